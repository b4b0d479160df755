// A single-page application: no secret, and a browser that asks for permission first. The server SDKs refuse to work
// without a secret, so this is what the page itself does with `fetch`.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AuthClient } from "@auth0/auth0-auth-js";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as world from "./world.mjs";

const { management, settings } = world;
const ORIGIN = "http://localhost:3000";

const post = (path, body, headers = {}) =>
  fetch(new URL(path, settings.issuer), {
    method: "POST",
    headers: { "content-type": "application/json", origin: ORIGIN, ...headers },
    body: JSON.stringify(body),
  });

describe("a single-page application", () => {
  let gateway;
  const client_id = settings.spa.client_id;

  before(async () => {
    const story = await world.setUp();
    gateway = story.gateway;
  });
  after(() => gateway.close());

  test("is enabled on sms and has no secret to keep", async () => {
    const client = await management.clients.get(client_id);
    assert.equal(client.token_endpoint_auth_method, "none");
    assert.ok(client.grant_types.includes(world.OTP_GRANT));
  });

  test("signs a person in", async () => {
    const number = world.newNumber();
    const started = await post("/passwordless/start", {
      client_id,
      connection: "sms",
      phone_number: number,
      send: "code",
    });
    assert.equal(started.status, 200);
    assert.equal(started.headers.get("access-control-allow-origin"), ORIGIN);
    const { _id, ...rest } = await started.json();
    assert.match(_id, /^[0-9a-f]{24}$/);
    assert.deepEqual(rest, { phone_number: number, phone_verified: true });

    const exchanged = await post("/oauth/token", {
      grant_type: world.OTP_GRANT,
      client_id,
      username: number,
      otp: world.codeFor(gateway, number),
      realm: "sms",
      scope: "openid profile phone",
    });
    assert.equal(exchanged.status, 200);
    assert.equal(exchanged.headers.get("cache-control"), "no-store");
    const tokens = await exchanged.json();

    const jwks = createRemoteJWKSet(new URL("/.well-known/jwks.json", settings.issuer));
    const { payload } = await jwtVerify(tokens.id_token, jwks, { issuer: settings.issuer, audience: client_id });
    assert.equal(payload.phone_number, number);
    const profile = await new AuthClient({ domain: settings.domain, clientId: client_id }).getUserInfo({
      accessToken: tokens.access_token,
      expectedSubject: payload.sub,
    });
    assert.equal(profile.phone_number, number);
  });

  test("is let in by the preflight; a foreign page is not", async () => {
    const ask = (origin) =>
      fetch(new URL("/oauth/token", settings.issuer), {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type,auth0-client",
        },
      });
    const own = await ask(ORIGIN);
    assert.equal(own.status, 204);
    assert.equal(own.headers.get("access-control-allow-origin"), ORIGIN);
    assert.match(own.headers.get("access-control-allow-headers").toLowerCase(), /content-type/);
    const foreign = await ask("https://elsewhere.example");
    assert.equal(foreign.headers.get("access-control-allow-origin"), null);
  });

  test("is told in the agreed words what is wrong", async () => {
    const refused = await post("/passwordless/start", { client_id, connection: "sms", phone_number: "+1", extra: 1 });
    assert.equal(refused.status, 400);
    assert.deepEqual(await refused.json(), {
      error: "bad.request",
      error_description: "the following properties are not allowed: extra",
    });
  });
});
