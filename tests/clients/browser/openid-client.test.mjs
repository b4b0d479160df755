// openid-client: a server application that keeps to the standards, by code flow with PKCE and by pushed request.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as oidc from "openid-client";
import * as world from "./world.mjs";

world.useBrowser();

describe("a server application", () => {
  let origin, redirect_uri, configuration;
  before(async () => {
    origin = await world.serve();
    redirect_uri = `${origin}/callback`;
    const { client_id, client_secret } = await world.register(origin, {
      app_type: "regular_web",
      token_endpoint_auth_method: "client_secret_post",
    });
    configuration = await oidc.discovery(new URL(world.settings.issuer), client_id, client_secret);
  });

  /** Signs in with what `address` sends people away with, and takes the answer. */
  async function signIn(page, address, number) {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
    const url = await address(configuration, {
      redirect_uri,
      scope: "openid phone offline_access",
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
      nonce: expectedNonce,
      audience: world.settings.api.audience,
    });
    const back = new URL(await world.signIn(page, url.href, number));
    const checks = { pkceCodeVerifier, expectedState, expectedNonce };
    return { back, checks, tokens: await oidc.authorizationCodeGrant(configuration, back, checks) };
  }

  test("signs in, asks who it is, refreshes and revokes", async (t) => {
    const page = await world.person(t, world.DESK);
    const number = world.newNumber();
    const { tokens } = await signIn(page, oidc.buildAuthorizationUrl, number);
    const { sub, phone_number } = tokens.claims();
    assert.equal(phone_number, number);
    const profile = await oidc.fetchUserInfo(configuration, tokens.access_token, sub);
    assert.equal(profile.phone_number, number);
    const refreshed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token);
    assert.equal(refreshed.claims().sub, sub);
    await oidc.tokenRevocation(configuration, tokens.refresh_token);
    await assert.rejects(oidc.refreshTokenGrant(configuration, tokens.refresh_token), { error: "invalid_grant" });
  });

  test("pushes its request, so that the browser carries only its name", async (t) => {
    const page = await world.person(t, world.PHONE);
    const number = world.newNumber();
    let pushed;
    const push = async (...request) => (pushed = await oidc.buildAuthorizationUrlWithPAR(...request));
    const { tokens } = await signIn(page, push, number);
    assert.deepEqual([...pushed.searchParams.keys()].sort(), ["client_id", "request_uri"]);
    assert.equal(tokens.claims().phone_number, number);
    await page.goto(pushed.href);
    assert.equal(await world.screenOf(page), "status");
  });

  test("gets tokens for a code once: who comes second ends them", async (t) => {
    const page = await world.person(t, world.DESK);
    const { back, checks, tokens } = await signIn(page, oidc.buildAuthorizationUrl, world.newNumber());
    await assert.rejects(oidc.authorizationCodeGrant(configuration, back, checks), { error: "invalid_grant" });
    await assert.rejects(oidc.refreshTokenGrant(configuration, tokens.refresh_token), { error: "invalid_grant" });
  });

  test("needs the verifier of its own request", async (t) => {
    const page = await world.person(t, world.DESK);
    const code_challenge = await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier());
    const parameters = { redirect_uri, scope: "openid", code_challenge, code_challenge_method: "S256" };
    const back = await world.signIn(page, oidc.buildAuthorizationUrl(configuration, parameters).href);
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    await assert.rejects(oidc.authorizationCodeGrant(configuration, new URL(back), { pkceCodeVerifier }), {
      error: "invalid_grant",
    });
  });

  test("asks whether somebody is signed in, and shows no page", async (t) => {
    const page = await world.person(t, world.DESK);
    const ask = () => page.goto(oidc.buildAuthorizationUrl(configuration, { redirect_uri, scope: "openid", prompt: "none" }).href);
    await ask();
    assert.equal(new URL(page.url()).searchParams.get("error"), "login_required");
    const { tokens } = await signIn(page, oidc.buildAuthorizationUrl, world.newNumber());
    await ask();
    const silent = await oidc.authorizationCodeGrant(configuration, new URL(page.url()));
    assert.equal(silent.claims().sub, tokens.claims().sub);
  });

  test("signs out, here and at the server", async (t) => {
    const page = await world.person(t, world.DESK);
    const { tokens } = await signIn(page, oidc.buildAuthorizationUrl, world.newNumber());
    const leave = { id_token_hint: tokens.id_token, post_logout_redirect_uri: origin, state: "bye" };
    await page.goto(oidc.buildEndSessionUrl(configuration, leave).href);
    assert.equal(page.url(), `${origin}/?state=bye`);
    await page.goto(oidc.buildAuthorizationUrl(configuration, { redirect_uri, scope: "openid" }).href);
    assert.equal(await world.heading(page), "Sign in");
  });
});
