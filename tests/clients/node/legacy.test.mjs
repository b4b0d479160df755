// Signing in through `auth0-legacy`, the AuthenticationClient of node-auth0 4 that most back ends run today.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { UserInfoClient } from "auth0";
import { AuthenticationClient } from "auth0-legacy";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as world from "./world.mjs";

const { settings } = world;
const jwks = createRemoteJWKSet(new URL("/.well-known/jwks.json", settings.issuer));

describe("auth0-legacy", () => {
  let story;
  let client;

  before(async () => {
    story = await world.setUp();
    client = new AuthenticationClient({
      domain: settings.domain,
      clientId: story.application.client_id,
      clientSecret: story.application.client_secret,
    });
  });
  after(() => story.gateway.close());

  async function signIn(number, wishes) {
    await client.passwordless.sendSMS({ phone_number: number });
    const code = world.codeFor(story.gateway, number);
    return (await client.passwordless.loginWithSMS({ phone_number: number, code, ...wishes })).data;
  }

  test("starting a sign-in sends exactly one message through the gateway", async () => {
    const number = world.newNumber();
    const already = story.gateway.messages.length;
    const { status } = await client.passwordless.sendSMS({ phone_number: number });
    assert.equal(status, 200);
    const arrived = story.gateway.messages.slice(already);
    assert.equal(arrived.length, 1);
    const [{ body, ...message }] = arrived;
    assert.match(body, /^Your verification code is: \d{6}$/);
    assert.deepEqual(message, {
      recipient: number,
      sender: "+15550009999",
      req: { ip: "127.0.0.1", "user-agent": "node" },
    });
  });

  test("the code brings an ID token that names the phone", async () => {
    const number = world.newNumber();
    const tokens = await signIn(number, { scope: "openid profile phone" });
    assert.equal(tokens.token_type, "Bearer");
    assert.equal(tokens.refresh_token, undefined);

    // The SDK has checked the ID token already; this is how to do it by hand.
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token, jwks, {
      algorithms: ["RS256"],
      issuer: settings.issuer,
      audience: story.application.client_id,
    });
    assert.ok(protectedHeader.kid);
    assert.match(payload.sub, /^sms\|[0-9a-f]{24}$/);
    assert.equal(payload.phone_number, number);
    assert.equal(payload.phone_number_verified, true);
    assert.equal(payload.name, number);
    assert.equal(payload.exp - payload.iat, 36000);
  });

  test("without an audience the access token is opaque, and /userinfo knows whose it is", async () => {
    const number = world.newNumber();
    const tokens = await signIn(number, { scope: "openid phone" });
    assert.equal(tokens.access_token.split(".").length, 1);
    const { data } = await new UserInfoClient({ domain: settings.domain }).getUserInfo(tokens.access_token);
    assert.match(data.sub, /^sms\|/);
    assert.equal(data.phone_number, number);
    assert.equal(data.name, undefined, "the profile was not asked for");

    await assert.rejects(new UserInfoClient({ domain: settings.domain }).getUserInfo("not-a-token"), {
      statusCode: 401,
      error: "invalid_token",
    });
  });

  test("with an audience the access token is what the API expects", async () => {
    const tokens = await signIn(world.newNumber(), { scope: "openid read:messages", audience: story.api.identifier });
    const { payload } = await jwtVerify(tokens.access_token, jwks, {
      algorithms: ["RS256"],
      issuer: settings.issuer,
      audience: story.api.identifier,
      typ: "JWT",
    });
    assert.deepEqual(payload.aud, [story.api.identifier, `${settings.issuer}userinfo`]);
    assert.match(payload.sub, /^sms\|/);
    assert.equal(payload.azp, story.application.client_id);
    assert.deepEqual(payload.scope.split(" ").toSorted(), ["openid", "read:messages"]);
    assert.equal(payload.exp - payload.iat, 86400);
    assert.equal(tokens.expires_in, 86400);
  });

  test("the refresh token brings a fresh access token, and may ask for less", async () => {
    const scope = "openid profile phone offline_access read:messages";
    const tokens = await signIn(world.newNumber(), { scope, audience: story.api.identifier });
    const { data } = await client.oauth.refreshTokenGrant({ refresh_token: tokens.refresh_token, scope: "openid" });
    assert.equal(data.scope, "openid");
    assert.equal(data.refresh_token, undefined, "rotation is off for this client");
    const first = await jwtVerify(tokens.id_token, jwks);
    const again = await jwtVerify(data.id_token, jwks, { issuer: settings.issuer });
    assert.equal(again.payload.sub, first.payload.sub);
    assert.equal(again.payload.aud, story.application.client_id);
  });

  test("a wrong code is an AuthApiError with the words mobile SDKs look for", async () => {
    const number = world.newNumber();
    await client.passwordless.sendSMS({ phone_number: number });
    const code = world.codeFor(story.gateway, number);
    await assert.rejects(client.passwordless.loginWithSMS({ phone_number: number, code: world.wrong(code) }), {
      name: "AuthApiError",
      statusCode: 403,
      error: "invalid_grant",
      error_description: "Wrong phone number or verification code.",
    });
    await client.passwordless.loginWithSMS({ phone_number: number, code });
  });

  test("a code works once, and not after a newer one was sent", async () => {
    const number = world.newNumber();
    await client.passwordless.sendSMS({ phone_number: number });
    const older = world.codeFor(story.gateway, number);
    await client.passwordless.sendSMS({ phone_number: number });
    const newer = world.codeFor(story.gateway, number);
    const refusal = { statusCode: 403, error: "invalid_grant" };
    if (older !== newer) {
      await assert.rejects(client.passwordless.loginWithSMS({ phone_number: number, code: older }), refusal);
    }
    await client.passwordless.loginWithSMS({ phone_number: number, code: newer });
    await assert.rejects(client.passwordless.loginWithSMS({ phone_number: number, code: newer }), refusal);
  });

  for (const [status, words] of [
    [401, "Authentication failed while calling the SMS gateway: 401"],
    [500, "Unexpected response while calling the SMS gateway: 500"],
  ]) {
    test(`a gateway that answers ${status} becomes sms_provider_error`, async () => {
      story.gateway.answer = status;
      try {
        await assert.rejects(client.passwordless.sendSMS({ phone_number: world.newNumber() }), {
          name: "AuthApiError",
          statusCode: 400,
          error: "sms_provider_error",
          error_description: words,
        });
      } finally {
        story.gateway.answer = 200;
      }
    });
  }

  test("a number that is not E.164 never reaches the gateway", async () => {
    const already = story.gateway.messages.length;
    await assert.rejects(client.passwordless.sendSMS({ phone_number: "0555 123" }), {
      statusCode: 400,
      error: "bad.phone_number",
      error_description: String.raw`String does not match pattern: ^\+[0-9]{1,15}$`,
    });
    assert.equal(story.gateway.messages.length, already);
  });
});
