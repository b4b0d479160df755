// A tenant that asks everybody for a second factor, and browsers that are remembered.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { shown } from "../node/totp.mjs";
import * as world from "./world.mjs";

world.useBrowser();

const DATABASE = "Username-Password-Authentication";
const PASSWORD = "Blue-Bicycle-27";
const SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

let application;
let user;
before(async () => {
  application = await world.application({ connections: [DATABASE] });
  await world.api("PUT", "guardian/factors/otp", { enabled: true });
  await world.api("PUT", "guardian/policies", ["all-applications"]);
  const email = world.newAddress();
  const made = await world.api("POST", "users", { connection: DATABASE, email, email_verified: true, password: PASSWORD });
  user = { email, path: `users/${encodeURIComponent(made.user_id)}` };
  await world.api("POST", `${user.path}/authentication-methods`, { type: "totp", name: "app", totp_secret: SECRET });
});

/** From the application to the page behind name and password, or back to the application. */
async function proveFirst(page, extra = {}) {
  await page.goto(application.authorize({ prompt: "login", ...extra }));
  await page.locator("#username").fill(user.email);
  await world.carryOn(page);
  await page.locator("#password").fill(PASSWORD);
  await world.carryOn(page);
}

/** The claims of whoever has come back to the application. */
async function claims(page) {
  const { id_token } = await application.exchange(application.answer(page.url()).code);
  return world.claimsOf(id_token);
}

test("a browser that is remembered is not asked again, and no other one is", async (t) => {
  const page = await world.person(t, world.DESK);
  await proveFirst(page);
  assert.equal(await world.screenOf(page), "mfa-otp-challenge");
  await page.getByLabel("Don't ask again").check();
  await page.locator("#code").fill(shown(SECRET));
  await world.carryOn(page);
  assert.deepEqual((await claims(page)).amr, ["mfa"]);

  await proveFirst(page);
  assert.equal((await claims(page)).amr, undefined, "the password was enough, and the token does not say otherwise");

  const elsewhere = await world.person(t, world.PHONE);
  await proveFirst(elsewhere);
  assert.equal(await world.screenOf(elsewhere), "mfa-otp-challenge");

  await proveFirst(page, { acr_values: "http://schemas.openid.net/pape/policies/2007/06/multi-factor" });
  assert.equal(await world.screenOf(page), "mfa-otp-challenge", "an application may insist");

  await world.api("POST", `${user.path}/multifactor/actions/invalidate-remember-browser`);
  await proveFirst(page);
  assert.equal(await world.screenOf(page), "mfa-otp-challenge", "and an operator may forget it");
});
