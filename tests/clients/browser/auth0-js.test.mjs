// auth0.js: the older library of single-page applications, which takes its tokens from the address.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

describe("an application with auth0.js", () => {
  let origin, client_id;
  before(async () => {
    origin = await world.servePage("auth0-js/dist/auth0.min.js");
    ({ client_id } = await world.register(origin, { grant_types: ["implicit", "authorization_code"] }));
  });

  /** The library's client on the page, under the name `client`. */
  const attach = (page, options = {}) =>
    page.evaluate((options) => {
      globalThis.client = new globalThis.auth0.WebAuth(options);
      // The library calls back; tests wait.
      globalThis.ask = (name, ...values) =>
        new Promise((done) => globalThis.client[name](...values, (error, result) => done({ error, result })));
    }, {
      domain: world.settings.domain,
      clientID: client_id,
      redirectUri: `${origin}/callback`,
      responseType: "token id_token",
      scope: "openid profile phone",
      ...options,
    });

  test("sends people away, takes tokens from the address, and renews them in a frame", async (t) => {
    const page = await world.person(t, world.DESK);
    const number = world.newNumber();
    await page.goto(origin);
    await attach(page);
    await world.follow(page, () => page.evaluate(() => globalThis.client.authorize()));
    await world.signInHere(page, number);
    await attach(page);
    const { error, result } = await page.evaluate(() => globalThis.ask("parseHash", {}));
    assert.equal(error, null);
    assert.equal(result.idTokenPayload.phone_number, number);
    const renewed = await page.evaluate(() => globalThis.ask("checkSession", {}));
    assert.equal(renewed.error, null);
    assert.equal(renewed.result.idTokenPayload.sub, result.idTokenPayload.sub);
  });

  test("learns in a frame that nobody is signed in", async (t) => {
    const page = await world.person(t, world.PHONE);
    await page.goto(origin);
    await attach(page);
    const { error } = await page.evaluate(() => globalThis.ask("checkSession", {}));
    assert.equal(error.code, "login_required");
  });
});
