"""A Twilio account in its smallest form, which takes messages and calls where the server looks for Twilio."""

import json
import os
import re
import secrets
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Twilio:
    """Listens at RINGPASS_TWILIO_BASE_URL. `messages` and `calls` hold the form fields of what arrived."""

    def __init__(self):
        self.sid, self.token = f"AC{secrets.token_hex(16)}", secrets.token_hex(16)
        self.messages, self.calls = [], []
        twilio = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                status, answer = twilio.receive(self.path, self.headers.get("Authorization"), form)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        address = urlsplit(os.environ["RINGPASS_TWILIO_BASE_URL"])
        self.server = ThreadingHTTPServer((address.hostname, address.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, path, authorization, form):
        account = f"/2010-04-01/Accounts/{self.sid}"
        inbox = {f"{account}/Messages.json": self.messages, f"{account}/Calls.json": self.calls}.get(path)
        if inbox is None:
            return 404, {"code": 20404, "message": "The requested resource was not found", "status": 404}
        if authorization != "Basic " + b64encode(f"{self.sid}:{self.token}".encode()).decode():
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        inbox.append({name: values[0] for name, values in form.items()})
        return 201, {"sid": f"SM{secrets.token_hex(16)}", "status": "queued"}

    def code_read(self, number):
        """The code in the last message to a number."""
        return re.search(r"\b\d{6}\b", last(self.messages, number)["Body"]).group()

    def code_heard(self, number):
        """The code of the last call to a number, as a person hears it: one digit at a time."""
        return re.search(r"\d(\. \d){5}", last(self.calls, number)["Twiml"]).group().replace(". ", "")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def last(sent, number):
    return [each for each in sent if each["To"] == number][-1]
