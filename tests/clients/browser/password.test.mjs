// Passwords: signing up, signing in, and choosing a new one.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

const PASSWORD = "Blue-Bicycle-27";
const NEXT = "Red-Tandem-72";

let application;
before(async () => {
  application = await world.application({ connections: ["Username-Password-Authentication"] });
});

/** Follows a link or presses a button of this name. */
const press = (page, name) => world.follow(page, () => page.getByRole("link", { name }).click());

async function signUp(page, email, password) {
  await page.goto(application.authorize());
  await press(page, "Sign up");
  await page.locator("#email").fill(email);
  await page.locator("#password").fill(password);
  await world.carryOn(page);
}

async function typePassword(page, password) {
  await page.locator("#password").fill(password);
  await world.carryOn(page);
}

async function typeAddress(page, email) {
  await page.goto(application.authorize());
  await page.locator("#username").fill(email);
  await world.carryOn(page);
}

for (const [where, options] of [["at a desk", world.DESK], ["on a phone, without JavaScript", { ...world.PHONE, javaScriptEnabled: false }]]) {
  describe(where, () => {
    test("sign up, and sign in again elsewhere", async (t) => {
      const page = await world.person(t, options);
      const email = world.newAddress();
      await signUp(page, email, "short");
      assert.equal(await world.screenOf(page), "signup");
      assert.ok(await world.problem(page));
      assert.equal(await page.locator("#email").inputValue(), email);
      await typePassword(page, PASSWORD);
      const one = await application.exchange(application.answer(page.url()).code);

      const elsewhere = await world.person(t, options);
      await typeAddress(elsewhere, email);
      await typePassword(elsewhere, "not this one");
      assert.equal(await world.problem(elsewhere), "E-mail address or password is not right");
      await typePassword(elsewhere, PASSWORD);
      const two = await application.exchange(application.answer(elsewhere.url()).code);
      assert.equal(world.claimsOf(two.id_token).sub, world.claimsOf(one.id_token).sub);
    });

    test("a forgotten password gives way to a new one, by e-mail", async (t) => {
      const page = await world.person(t, options);
      const email = world.newAddress();
      await signUp(page, email, PASSWORD);
      application.answer(page.url());

      await page.goto(application.authorize({ prompt: "login" }));
      await page.locator("#username").fill(email);
      await world.carryOn(page);
      await press(page, "Forgot your password?");
      assert.equal(await page.locator("#email").inputValue(), email);
      await world.carryOn(page);
      const link = await world.linkFor(email, "/u/reset-verify");
      await page.goto(link);
      await page.locator("#password").fill(NEXT);
      await page.locator("#again").fill(`${NEXT}!`);
      await world.carryOn(page);
      assert.ok(await world.problem(page));
      await page.locator("#password").fill(NEXT);
      await page.locator("#again").fill(NEXT);
      await world.carryOn(page);
      await page.goto(link);
      assert.equal(await page.locator("#password").count(), 0, "a link is good once");

      const elsewhere = await world.person(t, options);
      await typeAddress(elsewhere, email);
      await typePassword(elsewhere, PASSWORD);
      assert.equal(await world.problem(elsewhere), "E-mail address or password is not right");
      await typePassword(elsewhere, NEXT);
      application.answer(elsewhere.url());
    });

    test("who has no account is not told so", async (t) => {
      const page = await world.person(t, options);
      await typeAddress(page, world.newAddress());
      await typePassword(page, PASSWORD);
      assert.equal(await world.problem(page), "E-mail address or password is not right");
    });
  });
}

test("a password is shown when one asks for it", async (t) => {
  const page = await world.person(t, world.DESK);
  await typeAddress(page, world.newAddress());
  const field = page.locator("#password");
  await field.fill(PASSWORD);
  assert.equal(await field.getAttribute("type"), "password");
  await page.getByRole("button", { name: "Show the password" }).click();
  assert.equal(await field.getAttribute("type"), "text");
  await page.getByRole("button", { name: "Hide the password" }).click();
  assert.equal(await field.getAttribute("type"), "password");
});

for (const [language, options] of [["en", world.DESK], ["ar", world.PHONE]]) {
  test(`no page has a barrier: ${language}`, async (t) => {
    const page = await world.person(t, { ...options, locale: language });
    await page.goto(application.authorize());
    await world.hasNoBarriers(page);
    await world.follow(page, () => page.locator(".other a").first().click());
    await world.hasNoBarriers(page);
    await page.locator("#email").fill(world.newAddress());
    await typePassword(page, "short");
    await world.hasNoBarriers(page);
    await typeAddress(page, world.newAddress());
    await world.hasNoBarriers(page);
    await typePassword(page, "not this one");
    await world.hasNoBarriers(page);
    await world.follow(page, () => page.locator(".end a").click());
    await world.hasNoBarriers(page);
  });
}
