"""Your own SMS gateway, in its smallest honest form: it believes a message only if the bearer token is right."""

import json
import threading
from base64 import urlsafe_b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt


class Gateway:
    """Listens on loopback. `messages` holds what arrived; `answer` is the status of the next answers.

    `authentication` is what stands in the connection's `gateway_authentication`.
    """

    def __init__(self, authentication):
        self.messages = []
        self.answer = 200
        self.authentication = authentication
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = gateway.receive(self.headers.get("Authorization", ""), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/send"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, authorization, body):
        scheme, _, token = authorization.partition(" ")
        try:
            claims = jwt.decode(
                token,
                self.key(),
                algorithms=["HS256"],
                audience=self.authentication["audience"],
                options={"require": ["exp", "iat", "sub"]},
            )
        except jwt.InvalidTokenError:
            return 401
        if scheme != "Bearer" or claims["sub"] != self.authentication["subject"]:
            return 401
        if self.answer == 200:
            self.messages.append(json.loads(body))
        return self.answer

    def key(self):
        secret = self.authentication["secret"]
        if self.authentication.get("secret_base64_encoded"):
            return urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
        return secret.encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
