// A second factor on the hosted pages: phones by text and by call, an authenticator application, e-mail, recovery codes.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { shown } from "../node/totp.mjs";
import { codeHeard, codeRead, newAccount, startTwilio } from "../node/twilio.mjs";
import * as world from "./world.mjs";

world.useBrowser();

const DATABASE = "Username-Password-Authentication";
const PASSWORD = "Blue-Bicycle-27";
/** Asks for a second factor whatever the tenant's policy, so that the stories of the other files are asked for none. */
const ASK = { acr_values: "http://schemas.openid.net/pape/policies/2007/06/multi-factor", prompt: "login" };

let application;
let twilio;
before(async () => {
  application = await world.application({ connections: [DATABASE] });
  const account = newAccount();
  twilio = await startTwilio(account);
  await world.api("PUT", "guardian/factors/phone/selected-provider", { provider: "twilio" });
  await world.api("PUT", "guardian/factors/phone/providers/twilio", {
    sid: account.sid,
    auth_token: account.token,
    from: "+15550009999",
  });
  await world.api("PUT", "guardian/factors/phone/message-types", { message_types: ["sms", "voice"] });
  for (const name of ["sms", "otp", "email", "recovery-code"]) {
    await world.api("PUT", `guardian/factors/${name}`, { enabled: true });
  }
});
after(() => twilio.close());

/** Somebody with a password and nothing else. */
async function newUser() {
  const email = world.newAddress();
  const user = await world.api("POST", "users", { connection: DATABASE, email, email_verified: true, password: PASSWORD });
  return { email, id: user.user_id };
}

const give = (user, method) => world.api("POST", `users/${encodeURIComponent(user.id)}/authentication-methods`, method);

/** From the application to the page behind name and password. */
async function proveFirst(page, user, extra = {}) {
  await page.goto(application.authorize({ ...ASK, ...extra }));
  await page.locator("#username").fill(user.email);
  await world.carryOn(page);
  await page.locator("#password").fill(PASSWORD);
  await world.carryOn(page);
}

const press = (page, name) => world.follow(page, () => page.getByRole("button", { name }).click());
const follow = (page, name) => world.follow(page, () => page.getByRole("link", { name }).click());

async function enter(page, code) {
  await page.locator("#code").fill(code);
  await world.carryOn(page);
}

async function enrollPhone(page, number, way) {
  await page.locator("#phone").fill(number);
  await page.getByLabel(way).check();
  await world.carryOn(page);
}

/** Keeps the recovery code of the page; the code. */
async function keep(page) {
  const code = await page.locator("#recovery").innerText();
  await page.getByLabel("I have kept this code").check();
  await world.carryOn(page);
  return code;
}

async function proves(page) {
  const tokens = await application.exchange(application.answer(page.url()).code);
  assert.deepEqual(world.claimsOf(tokens.id_token).amr, ["mfa"]);
}

for (const [where, options] of [["at a desk", world.DESK], ["on a phone, without JavaScript", { ...world.PHONE, javaScriptEnabled: false }]]) {
  describe(where, () => {
    test("a phone is enrolled by text, and asked for by text or call", async (t) => {
      const user = await newUser();
      const number = world.newNumber();
      const page = await world.person(t, options);
      await proveFirst(page, user);
      assert.equal(await world.screenOf(page), "mfa-otp-enrollment-qr");
      await press(page, "Try another method");
      await press(page, "Phone");
      await enrollPhone(page, number, "Text me");
      assert.equal(await world.screenOf(page), "mfa-sms-challenge");
      await enter(page, world.wrong(codeRead(twilio, number)));
      assert.equal(await world.problem(page), "That code is not right");
      await page.getByLabel("Don't ask again").check();
      await enter(page, codeRead(twilio, number));
      const recovery = await keep(page);
      await proves(page);
      const cookies = await page.context().cookies(world.SERVER);
      assert.ok(cookies.find(({ name, httpOnly, secure }) => name === "auth0-mf" && httpOnly && secure));

      const elsewhere = await world.person(t, options);
      await proveFirst(elsewhere, user);
      assert.equal(await world.heading(elsewhere), "Check your phone");
      assert.ok(!(await elsewhere.locator("main").innerText()).includes(number.slice(0, -4)), "only the last digits show");
      await press(elsewhere, "call me instead");
      assert.equal(await world.heading(elsewhere), "Answer your phone");
      const code = codeHeard(twilio, number);
      assert.equal(code, codeRead(twilio, number));
      await enter(elsewhere, code);
      await proves(elsewhere);

      const last = await world.person(t, options);
      await proveFirst(last, user);
      await press(last, "Try another method");
      await press(last, "Recovery code");
      await last.locator("#code").fill(recovery.toLowerCase().replace(/(.{4})/g, "$1 "));
      await world.carryOn(last);
      assert.equal(await world.screenOf(last), "mfa-recovery-code-challenge-new-code");
      assert.notEqual(await keep(last), recovery);
      await proves(last);
    });

    test("a phone is enrolled by call, and its number corrected", async (t) => {
      const user = await newUser();
      const [slip, number] = [world.newNumber(), world.newNumber()];
      const page = await world.person(t, options);
      await proveFirst(page, user);
      await press(page, "Try another method");
      await press(page, "Phone");
      await enrollPhone(page, slip, "Call me");
      assert.equal(await world.screenOf(page), "mfa-voice-challenge");
      await press(page, "Change the phone number");
      assert.equal(await page.locator("#phone").inputValue(), slip);
      assert.ok(await page.getByLabel("Call me").isChecked());
      await enrollPhone(page, number, "Call me");
      await enter(page, codeHeard(twilio, number));
      await keep(page);
      await proves(page);
    });

    test("an authenticator application is set up by hand", async (t) => {
      const user = await newUser();
      const page = await world.person(t, options);
      await proveFirst(page, user);
      assert.ok(await page.getByRole("img", { name: "QR code" }).isVisible());
      await follow(page, "Cannot scan it?");
      const secret = await page.locator("#key").innerText();
      await enter(page, shown(secret));
      await keep(page);
      await proves(page);

      const elsewhere = await world.person(t, options);
      await proveFirst(elsewhere, user);
      assert.equal(await world.heading(elsewhere), "Open your authenticator app");
      await press(elsewhere, "Try another method");
      await press(elsewhere, "E-mail");
      assert.equal(await world.heading(elsewhere), "Check your e-mail");
      await enter(elsewhere, await world.codeFor(user.email));
      await proves(elsewhere);
    });
  });
}

test("a link in a mail lets somebody enrol, once, and signs nobody in", async (t) => {
  const user = await newUser();
  await world.api("POST", "guardian/enrollments/ticket", { user_id: user.id, send_mail: true, factor: "phone" });
  const link = await eventually(() => world.linkFor(user.email, "/guardian/enroll"));
  const number = world.newNumber();
  const page = await world.person(t, world.PHONE);
  await page.goto(link);
  await enrollPhone(page, number, "Text me");
  assert.equal(await page.getByLabel("Don't ask again").count(), 0);
  await enter(page, codeRead(twilio, number));
  await keep(page);
  assert.equal(await world.heading(page), "All set");
  await world.hasNoBarriers(page);
  assert.deepEqual((await page.context().cookies(world.SERVER)).filter(({ name }) => name === "auth0"), []);
  await page.goto(link);
  assert.equal(await world.heading(page), "This link has been used already");
  await world.hasNoBarriers(page);
  await proveFirst(page, user);
  assert.equal(await world.screenOf(page), "mfa-sms-challenge");
});

/** What `look` finds in the end: a mail is on its way a moment longer than the answer. */
async function eventually(look) {
  for (let tries = 0; ; tries++) {
    try {
      return await look();
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

test("what is to be kept can be copied", async (t) => {
  const page = await world.person(t, world.DESK);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: world.SERVER });
  await proveFirst(page, await newUser());
  await follow(page, "Cannot scan it?");
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await page.locator("#key").innerText());
});

for (const [language, options] of [["en", world.DESK], ["de", world.PHONE], ["ar", world.PHONE], ["hi", { viewport: { width: 320, height: 640 } }]]) {
  test(`no page has a barrier: ${language}`, async (t) => {
    const page = await world.person(t, { ...options, locale: language });
    const seen = new Set();
    const look = async () => {
      const screen = await world.screenOf(page);
      seen.add(screen);
      await world.hasNoBarriers(page);
    };
    const pick = (value) => world.follow(page, () => page.locator(`button[value="${value}"]`).click());
    const user = await newUser();
    const number = world.newNumber();
    const at = (screen) => page.goto(`${world.SERVER}/u/${screen}?state=${new URL(page.url()).searchParams.get("state")}`);

    // Enrolling.
    await proveFirst(page, user);
    await look();
    await at("mfa-otp-enrollment-code");
    await look();
    await enter(page, "000");
    await look();
    await pick("pick-authenticator");
    await look();
    await pick("phone");
    await look();
    await world.carryOn(page);
    await look();
    await at("mfa-country-codes");
    await look();
    await pick("selection-action::DE49");
    await page.locator("#phone").fill(number);
    await world.carryOn(page);
    await look();
    await enter(page, "12");
    await look();
    await pick("get-a-call");
    await look();
    await enter(page, codeRead(twilio, number));
    await look();
    await page.locator("#saved").check();
    await world.carryOn(page);
    await proves(page);

    // Choosing.
    await give(user, { type: "phone", phone_number: world.newNumber() });
    await give(user, { type: "email", email: world.newAddress() });
    await give(user, { type: "totp", totp_secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" });
    await proveFirst(page, user);
    await at("mfa-login-options");
    await look();
    await pick("otp");
    await look();
    await at("mfa-email-list");
    await look();
    await pick("selection-action::0");
    await look();
    await at("mfa-sms-list");
    await look();
    await pick("selection-action::1");
    await look();
    await at("mfa-recovery-code-challenge");
    await look();
    await world.carryOn(page);
    await look();
    assert.equal(seen.size, 15, [...seen].join(" "));
  });
}
