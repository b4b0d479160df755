// Signing in with a code from a text message, on a desk and on a phone, with JavaScript and without.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

const SCRIPTLESS = { javaScriptEnabled: false };
const VISITORS = {
  "at a desk": world.DESK,
  "on a phone, without JavaScript": { ...world.PHONE, ...SCRIPTLESS },
};

let application;
before(async () => {
  application = await world.application();
});

for (const [where, options] of [["at a desk", { ...world.DESK, ...SCRIPTLESS }], ["on a phone", world.PHONE]]) {
  test(`a number, a code, and back, the other way round: ${where}`, async (t) => {
    const page = await world.person(t, options);
    application.answer(await world.signIn(page, application.authorize()));
  });
}

for (const [where, options] of Object.entries(VISITORS)) {
  describe(where, () => {
    test("a number, a code, and back with tokens", async (t) => {
      const page = await world.person(t, options);
      const number = world.newNumber();
      const address = await world.signIn(page, application.authorize({ nonce: "n" }), number);
      const { code, state, iss } = application.answer(address);
      assert.equal(state, "of the application");
      assert.equal(iss, world.settings.issuer);
      const { id_token, access_token } = await application.exchange(code);
      assert.equal(world.claimsOf(id_token).phone_number, number);
      assert.equal(world.claimsOf(id_token).nonce, "n");
      assert.ok(access_token);
    });

    test("a number as people write it at home, with the country chosen from the list", async (t) => {
      const page = await world.person(t, options);
      await page.goto(application.authorize());
      assert.equal(await page.locator("#country").inputValue(), "US");
      await page.locator("#country").selectOption("DE");
      const number = world.newNumber();
      await page.locator("#username").fill(`0${number.slice(3, 6)} / ${number.slice(6)}`);
      await world.carryOn(page);
      assert.equal((await world.messagesTo(number)).length, 1);
      assert.match(await page.locator(".identifier").innerText(), /^\+49 151/);
    });

    test("a number that is none is explained, kept and not sent to", async (t) => {
      const page = await world.person(t, options);
      await page.goto(application.authorize());
      await page.locator("#username").fill("+49 12");
      await world.carryOn(page);
      assert.equal(await world.problem(page), "That phone number does not look right");
      assert.equal(await page.locator("#username").inputValue(), "+49 12");
      assert.equal(await page.locator("#username").getAttribute("aria-invalid"), "true");
      await page.locator("#username").fill("");
      await world.carryOn(page);
      assert.equal(await world.problem(page), "Enter your mobile number");
    });

    test("a wrong code, the tries that are left, and the end of them", async (t) => {
      const page = await world.person(t, options);
      const number = world.newNumber();
      await world.askForCode(page, application.authorize(), number);
      const code = await world.codeFor(number);
      for (const [by, left] of [[1, "Tries left: 2"], [2, "Tries left: 1"]]) {
        await world.typeCode(page, world.wrong(code, by));
        assert.equal(await world.problem(page), `That code is not right\n${left}`);
      }
      await world.typeCode(page, world.wrong(code, 3));
      assert.match(await world.problem(page), /^Too many wrong codes/);
    });

    test("another number after all", async (t) => {
      const page = await world.person(t, options);
      const [mistaken, number] = [world.newNumber(), world.newNumber()];
      await world.askForCode(page, application.authorize(), mistaken);
      await world.follow(page, () => page.getByRole("button", { name: "Change the phone number" }).click());
      assert.equal(await page.locator("#username").inputValue(), mistaken);
      await page.locator("#username").fill(number);
      await world.carryOn(page);
      await world.typeCode(page, await world.codeFor(mistaken));
      assert.match(await world.problem(page), /^That code is not right/);
      await world.typeCode(page, await world.codeFor(number));
      application.answer(page.url());
    });

    test("who is signed in is not asked again", async (t) => {
      const page = await world.person(t, options);
      const first = application.answer(await world.signIn(page, application.authorize()));
      await page.goto(application.authorize());
      const second = application.answer(page.url());
      const [one, two] = [await application.exchange(first.code), await application.exchange(second.code)];
      assert.equal(world.claimsOf(one.id_token).sid, world.claimsOf(two.id_token).sid);
      await page.goto(application.authorize({ prompt: "login" }));
      assert.equal(await world.heading(page), "Sign in");
    });
  });
}
