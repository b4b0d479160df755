// Refresh tokens through `auth0-legacy` and `auth0`: they rotate, a stolen one ends its family, and they can be revoked.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AuthenticationClient } from "auth0-legacy";
import * as world from "./world.mjs";

const { management, settings } = world;

describe("rotating refresh tokens", () => {
  let story;
  let client;

  before(async () => {
    story = await world.setUp({
      refresh_token: { rotation_type: "rotating", expiration_type: "expiring", leeway: 0, token_lifetime: 3600 },
    });
    const { client_id: clientId, client_secret: clientSecret } = story.application;
    client = new AuthenticationClient({ domain: settings.domain, clientId, clientSecret });
  });
  after(() => story.gateway.close());

  async function signIn() {
    const number = world.newNumber();
    await client.passwordless.sendSMS({ phone_number: number });
    const code = world.codeFor(story.gateway, number);
    const wishes = { scope: "openid offline_access", audience: story.api.identifier };
    return (await client.passwordless.loginWithSMS({ phone_number: number, code, ...wishes })).data;
  }

  const exchange = async (token) => (await client.oauth.refreshTokenGrant({ refresh_token: token })).data;
  const isOver = {
    statusCode: 403,
    error: "invalid_grant",
    error_description: "Unknown or invalid refresh token.",
  };

  test("each exchange gives a successor", async () => {
    const first = (await signIn()).refresh_token;
    const second = (await exchange(first)).refresh_token;
    const third = (await exchange(second)).refresh_token;
    assert.equal(new Set([first, second, third]).size, 3);
  });

  test("a spent token ends the whole family", async () => {
    const first = (await signIn()).refresh_token;
    const second = (await exchange(first)).refresh_token;
    await assert.rejects(exchange(first), isOver);
    await assert.rejects(exchange(second), isOver);
    const types = (await management.logs.list({ sort: "date:-1" })).data.map((event) => event.type);
    assert.ok(types.includes("ferrt"), types.join());
  });

  test("a revoked token is over, and revoking again is no error", async () => {
    const { refresh_token: token } = await signIn();
    await client.oauth.revokeRefreshToken({ token });
    await client.oauth.revokeRefreshToken({ token });
    await assert.rejects(exchange(token), isOver);
  });

  test("an administrator sees a user's tokens and ends one", async () => {
    const { refresh_token: token, id_token } = await signIn();
    const { sub } = JSON.parse(Buffer.from(id_token.split(".")[1], "base64url"));
    const { data: tokens } = await management.users.refreshToken.list(sub);
    assert.equal(tokens.length, 1);
    assert.equal(tokens[0].client_id, story.application.client_id);
    assert.equal(tokens[0].rotating, true);
    await management.refreshTokens.delete(tokens[0].id);
    await assert.rejects(exchange(token), isOver);
  });
});
