// @auth0/auth0-spa-js: a single-page application sends people away, takes them back, and asks for tokens without a page.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { shown } from "../node/totp.mjs";
import * as world from "./world.mjs";

world.useBrowser();

const AUDIENCE = world.newAudience();
let origin;

before(async () => {
  origin = await world.servePage("@auth0/auth0-spa-js/dist/auth0-spa-js.production.js");
  await world.api("POST", "resource-servers", { identifier: AUDIENCE, name: "Cart", allow_offline_access: true });
});

/** The application's page, with the library's client under the name `client`. */
async function open(page, client_id, path, options = {}) {
  await page.goto(origin + path);
  await attach(page, client_id, options);
}

function attach(page, client_id, options = {}) {
  return page.evaluate((options) => {
    globalThis.client = new globalThis.auth0.Auth0Client(options);
  }, {
    domain: world.settings.domain,
    clientId: client_id,
    ...options,
    authorizationParams: { redirect_uri: `${origin}/callback`, scope: "openid profile phone", ...options.authorizationParams },
  });
}

/** Signs in and lets the library take the answer; what it remembered for the application. */
async function signIn(page, client_id, number, options) {
  await open(page, client_id, "/", options);
  await page.evaluate(() => globalThis.client.loginWithRedirect({ appState: { target: "/cart" } }));
  await page.waitForURL(/\/u\/login/);
  await world.signInHere(page, number);
  await attach(page, client_id, options);
  return page.evaluate(() => globalThis.client.handleRedirectCallback());
}

describe("a single-page application", () => {
  let client_id;
  before(async () => {
    ({ client_id } = await world.register(origin));
  });

  test("signs in, keeps the session silently in a frame, and signs out", async (t) => {
    const page = await world.person(t, world.DESK);
    const number = world.newNumber();
    const { appState } = await signIn(page, client_id, number);
    assert.deepEqual(appState, { target: "/cart" });
    const user = await page.evaluate(() => globalThis.client.getUser());
    assert.equal(user.phone_number, number);

    // Another page of the application knows nothing, and asks in a frame.
    await open(page, client_id, "/");
    const silent = await page.evaluate((audience) =>
      globalThis.client.getTokenSilently({ authorizationParams: { audience }, detailedResponse: true }), AUDIENCE);
    assert.deepEqual(world.claimsOf(silent.access_token).aud, [AUDIENCE, `${world.settings.issuer}userinfo`]);
    assert.equal(world.claimsOf(silent.id_token).sub, user.sub);

    await world.follow(page, () =>
      page.evaluate((returnTo) => globalThis.client.logout({ logoutParams: { returnTo } }), origin));
    assert.equal(page.url(), `${origin}/`);
    await attach(page, client_id);
    assert.equal(await page.evaluate(() => globalThis.client.getTokenSilently().catch(({ error }) => error)), "login_required");
  });

  test("learns in a frame that nobody is signed in", async (t) => {
    const page = await world.person(t, world.DESK);
    await open(page, client_id, "/");
    const error = await page.evaluate(() => globalThis.client.getTokenSilently().catch(({ error }) => error));
    assert.equal(error, "login_required");
  });

  test("goes on with refresh tokens, which rotate", async (t) => {
    const page = await world.person(t, world.PHONE);
    const client = await world.register(origin, { refresh_token: ROTATING });
    const options = { useRefreshTokens: true, cacheLocation: "localstorage", authorizationParams: { audience: AUDIENCE } };
    await signIn(page, client.client_id, world.newNumber(), options);
    const refreshed = () => page.evaluate(async () => {
      const token = await globalThis.client.getTokenSilently({ cacheMode: "off" });
      const [, entry] = Object.entries(localStorage).find(([, value]) => value.includes("refresh_token"));
      return { token, refresh: JSON.parse(entry).body.refresh_token };
    });
    const [one, two] = [await refreshed(), await refreshed()];
    assert.notEqual(one.refresh, two.refresh);
    assert.equal(world.claimsOf(two.token).sub, world.claimsOf(one.token).sub);
  });
});

describe("an application that wants a second factor for a payment", () => {
  const ACR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
  const payment = { cacheMode: "off", authorizationParams: { acr_values: ACR } };
  let client_id;
  let number;
  before(async () => {
    ({ client_id } = await world.register(origin));
    await world.api("PUT", "guardian/factors/otp", { enabled: true });
    number = world.newNumber();
    const { user_id } = await world.api("POST", "users", { connection: "sms", phone_number: number });
    const method = { type: "totp", name: "app", totp_secret: SECRET };
    await world.api("POST", `users/${encodeURIComponent(user_id)}/authentication-methods`, method);
  });

  test("learns in a frame that it takes a page, and lets the library open one", async (t) => {
    const page = await world.person(t, world.DESK);
    await signIn(page, client_id, number);
    const refusal = await page.evaluate((payment) =>
      globalThis.client.getTokenSilently(payment).catch((error) => [error.error, error.error_description]), payment);
    assert.deepEqual(refusal, ["login_required", "Multifactor authentication required"]);

    await attach(page, client_id, { interactiveErrorHandler: "popup" });
    const [popup] = await Promise.all([
      page.waitForEvent("popup"),
      page.evaluate((payment) => {
        globalThis.paid = globalThis.client.getTokenSilently(payment);
      }, payment),
    ]);
    await popup.waitForURL(/mfa-otp-challenge/);
    await popup.locator("#code").fill(shown(SECRET));
    await Promise.all([popup.waitForEvent("close"), popup.locator("button.primary").click()]);
    assert.ok(await page.evaluate(() => globalThis.paid));
    const claims = await page.evaluate(() => globalThis.client.getIdTokenClaims());
    assert.deepEqual([claims.phone_number, claims.acr, claims.amr], [number, ACR, ["mfa"]]);
  });
});

const SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

const ROTATING = {
  rotation_type: "rotating",
  expiration_type: "expiring",
  token_lifetime: 86_400,
  infinite_token_lifetime: false,
  leeway: 0,
};
