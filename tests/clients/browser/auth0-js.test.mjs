// auth0.js: the older library of single-page applications, which takes its tokens from the address.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

describe("an application with auth0.js", () => {
  let origin, client_id;
  before(async () => {
    origin = await world.servePage("auth0-js/dist/auth0.min.js");
    const grant_types = ["implicit", "authorization_code"];
    ({ client_id } = await world.register(origin, {
      grant_types,
      cross_origin_authentication: true,
      connections: ["sms", "email"],
    }));
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

    await world.follow(page, () => page.evaluate((returnTo) => globalThis.client.logout({ returnTo }), origin));
    assert.equal(page.url(), `${origin}/`);
    await attach(page);
    assert.equal((await page.evaluate(() => globalThis.ask("checkSession", {}))).error.code, "login_required");
  });

  test("learns in a frame that nobody is signed in", async (t) => {
    const page = await world.person(t, world.PHONE);
    await page.goto(origin);
    await attach(page);
    const { error } = await page.evaluate(() => globalThis.ask("checkSession", {}));
    assert.equal(error.code, "login_required");
  });

  test("logs people in on a page of its own, with a code", async (t) => {
    const page = await world.person(t, world.DESK);
    const number = world.newNumber();
    await page.goto(origin);
    await attach(page);
    const start = { connection: "sms", send: "code", phoneNumber: number };
    assert.equal((await page.evaluate((start) => globalThis.ask("passwordlessStart", start), start)).error, null);
    const code = await world.codeFor(number);
    const login = (verificationCode) => ({ connection: "sms", phoneNumber: number, verificationCode });

    const { error } = await page.evaluate((login) => globalThis.ask("passwordlessLogin", login), login(world.wrong(code)));
    assert.equal(error.code, "access_denied");

    await world.follow(page, () => page.evaluate((login) => void globalThis.ask("passwordlessLogin", login), login(code)));
    await attach(page);
    const { result } = await page.evaluate(() => globalThis.ask("parseHash", {}));
    assert.equal(result.idTokenPayload.phone_number, number);
    assert.equal((await page.evaluate(() => globalThis.ask("checkSession", {}))).error, null);
  });

  test("logs people in by a link in a mail, when they say so", async (t) => {
    const page = await world.person(t, world.PHONE);
    const email = world.newAddress();
    await page.goto(origin);
    await attach(page, { scope: "openid email" });
    const start = { connection: "email", send: "link", email };
    assert.equal((await page.evaluate((start) => globalThis.ask("passwordlessStart", start), start)).error, null);

    await page.goto(await world.linkFor(email, "/passwordless/verify_redirect"));
    await world.hasNoBarriers(page);
    await world.carryOn(page);
    await attach(page, { scope: "openid email" });
    const { result } = await page.evaluate(() => globalThis.ask("parseHash", {}));
    assert.equal(result.idTokenPayload.email, email);
  });
});
