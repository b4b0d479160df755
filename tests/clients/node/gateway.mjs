// Your own SMS gateway, in its smallest honest form: it believes a message only if the bearer token is right.
import http from "node:http";
import { jwtVerify } from "jose";

/**
 * Listens on loopback. `messages` holds what arrived; `answer` is the status of the next answers.
 * `authentication` is what stands in the connection's `gateway_authentication`.
 */
export async function startGateway(authentication) {
  const gateway = { messages: [], answer: 200 };
  const { audience, subject, secret, secret_base64_encoded: encoded } = authentication;
  const key = Buffer.from(secret, encoded ? "base64url" : "utf8");

  const server = http.createServer(async (request, response) => {
    try {
      const [scheme, token] = (request.headers.authorization ?? "").split(" ");
      if (scheme !== "Bearer") throw new Error("no bearer token");
      await jwtVerify(token, key, { algorithms: ["HS256"], audience, subject, requiredClaims: ["exp", "iat"] });
    } catch {
      response.writeHead(401).end();
      return;
    }
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    if (gateway.answer === 200) gateway.messages.push(JSON.parse(body));
    response.writeHead(gateway.answer).end();
  });

  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  gateway.url = `http://127.0.0.1:${server.address().port}/send`;
  gateway.close = () => server.close();
  return gateway;
}
