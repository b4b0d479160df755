// Signing in through `@auth0/auth0-auth-js`, Auth0's current library for servers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AuthClient,
  PasswordlessStartError,
  PasswordlessVerifyError,
  TokenByRefreshTokenError,
  UserInfoError,
} from "@auth0/auth0-auth-js";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as world from "./world.mjs";

const { management, settings } = world;

describe("@auth0/auth0-auth-js", () => {
  let story;
  let client;

  before(async () => {
    story = await world.setUp({ is_token_endpoint_ip_header_trusted: true });
    client = new AuthClient({
      domain: settings.domain,
      clientId: story.application.client_id,
      clientSecret: story.application.client_secret,
    });
  });
  after(() => story.gateway.close());

  async function signIn(phoneNumber, wishes) {
    await client.passwordless.sendSms({ phoneNumber });
    const code = world.codeFor(story.gateway, phoneNumber);
    return client.getTokenByPasswordlessSms({ phoneNumber, code, ...wishes });
  }

  test("discovery names the endpoints of this server", async () => {
    const metadata = await client.getServerMetadata();
    assert.equal(metadata.issuer, settings.issuer);
    assert.equal(metadata.token_endpoint, `${settings.issuer}oauth/token`);
    assert.equal(metadata.jwks_uri, `${settings.issuer}.well-known/jwks.json`);
    assert.equal(metadata.userinfo_endpoint, `${settings.issuer}userinfo`);
  });

  test("start, exchange, verify, ask who it is", async () => {
    const number = world.newNumber();
    const tokens = await signIn(number, { scope: "openid profile phone" });
    assert.equal(tokens.claims.phone_number, number);
    assert.equal(tokens.claims.aud, story.application.client_id);

    // The library reads the ID token's claims; the signature is checked against the published keys.
    const jwks = createRemoteJWKSet(new URL((await client.getServerMetadata()).jwks_uri));
    const { payload } = await jwtVerify(tokens.idToken, jwks, {
      algorithms: ["RS256"],
      issuer: settings.issuer,
      audience: story.application.client_id,
    });
    assert.match(payload.sub, /^sms\|[0-9a-f]{24}$/);

    const profile = await client.getUserInfo({ accessToken: tokens.accessToken, expectedSubject: payload.sub });
    assert.equal(profile.phone_number, number);
    assert.equal(profile.phone_number_verified, true);
  });

  test("the gateway hears the person's own address when a trusted back end forwards it", async () => {
    const phoneNumber = world.newNumber();
    const headers = { "auth0-forwarded-for": "203.0.113.7", "user-agent": "Telephone/1.0" };
    await client.passwordless.sendSms({ phoneNumber }, { headers });
    assert.deepEqual(story.gateway.messages.at(-1).req, { ip: "203.0.113.7", "user-agent": "Telephone/1.0" });
  });

  test("the message can tell the language the person asked for", async () => {
    const connection = await management.connections.get(story.connection.id);
    await management.connections.update(story.connection.id, {
      options: { ...connection.options, template: "[@@request_language@@] @@code@@" },
    });
    try {
      await client.passwordless.sendSms({ phoneNumber: world.newNumber(), language: "fr-CA" });
      assert.match(story.gateway.messages.at(-1).body, /^\[fr-CA\] \d{6}$/);
    } finally {
      await management.connections.update(story.connection.id, { options: connection.options });
    }
  });

  test("a refresh token brings fresh tokens for the same person", async () => {
    const first = await signIn(world.newNumber(), { scope: "openid offline_access", audience: story.api.identifier });
    const again = await client.getTokenByRefreshToken({ refreshToken: first.refreshToken });
    assert.equal(again.claims.sub, first.claims.sub);
    assert.notEqual(again.accessToken, undefined);
    await assert.rejects(client.getTokenByRefreshToken({ refreshToken: "not-a-token" }), (error) => {
      assert.ok(error instanceof TokenByRefreshTokenError);
      assert.equal(error.statusCode, 403);
      assert.equal(error.cause.error, "invalid_grant");
      assert.equal(error.cause.error_description, "Unknown or invalid refresh token.");
      return true;
    });
  });

  test("client credentials bring a token for the API", async () => {
    await management.clientGrants.create({
      client_id: story.application.client_id,
      audience: story.api.identifier,
      scope: ["read:messages"],
    });
    const tokens = await client.getTokenByClientCredentials({ audience: story.api.identifier });
    const jwks = createRemoteJWKSet(new URL((await client.getServerMetadata()).jwks_uri));
    const { payload } = await jwtVerify(tokens.accessToken, jwks, { issuer: settings.issuer, algorithms: ["RS256"] });
    assert.equal(payload.aud, story.api.identifier);
    assert.equal(payload.sub, `${story.application.client_id}@clients`);
    assert.equal(payload.azp, story.application.client_id);
    assert.equal(payload.gty, "client-credentials");
    assert.equal(payload.scope, "read:messages");
  });

  test("a wrong code is a PasswordlessVerifyError", async () => {
    const phoneNumber = world.newNumber();
    await client.passwordless.sendSms({ phoneNumber });
    const code = world.wrong(world.codeFor(story.gateway, phoneNumber));
    await assert.rejects(client.getTokenByPasswordlessSms({ phoneNumber, code }), (error) => {
      assert.ok(error instanceof PasswordlessVerifyError);
      assert.equal(error.statusCode, 403);
      assert.equal(error.cause.error, "invalid_grant");
      assert.equal(error.cause.error_description, "Wrong phone number or verification code.");
      return true;
    });
  });

  test("the third wrong code kills the code", async () => {
    const phoneNumber = world.newNumber();
    await client.passwordless.sendSms({ phoneNumber });
    const code = world.codeFor(story.gateway, phoneNumber);
    const told = async (guess) => {
      const refusal = await client.getTokenByPasswordlessSms({ phoneNumber, code: guess }).catch((error) => error);
      assert.ok(refusal instanceof PasswordlessVerifyError);
      return refusal.cause.error_description;
    };
    assert.equal(await told(world.wrong(code)), "Wrong phone number or verification code.");
    assert.equal(await told(world.wrong(code)), "Wrong phone number or verification code.");
    const over = "You've reached the maximum number of attempts. Please try to login again.";
    assert.equal(await told(world.wrong(code)), over);
    assert.equal(await told(code), over);
  });

  test("a failing gateway is a PasswordlessStartError with the reason", async () => {
    story.gateway.answer = 503;
    try {
      await assert.rejects(client.passwordless.sendSms({ phoneNumber: world.newNumber() }), (error) => {
        assert.ok(error instanceof PasswordlessStartError);
        assert.equal(error.statusCode, 400);
        assert.equal(error.cause.error, "sms_provider_error");
        assert.equal(error.message, "Unexpected response while calling the SMS gateway: 503");
        return true;
      });
    } finally {
      story.gateway.answer = 200;
    }
  });

  test("a public client may ask /userinfo too, and a bad token is a UserInfoError", async () => {
    const open = new AuthClient({ domain: settings.domain, clientId: settings.spa.client_id });
    await assert.rejects(open.getUserInfo({ accessToken: "not-a-token" }), (error) => {
      assert.ok(error instanceof UserInfoError);
      assert.equal(error.statusCode, 401);
      return true;
    });
  });
});
