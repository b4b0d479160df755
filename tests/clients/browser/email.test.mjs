// Signing in with a code from an e-mail, where an application takes both.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

let application, both;
before(async () => {
  application = await world.application({ connections: ["email"] });
  both = await world.application({ connections: ["sms", "email"] });
});

for (const [where, options] of [["at a desk", world.DESK], ["on a phone, without JavaScript", { ...world.PHONE, javaScriptEnabled: false }]]) {
  test(`an address, a code, and back with tokens: ${where}`, async (t) => {
    const page = await world.person(t, options);
    const address = world.newAddress();
    await page.goto(application.authorize({ scope: "openid email" }));
    await page.locator("#username").fill("nobody at home");
    await world.carryOn(page);
    assert.equal(await world.problem(page), "That e-mail address does not look right");
    await page.locator("#username").fill(address);
    await world.carryOn(page);
    assert.equal(await world.heading(page), "Check your e-mail");
    await world.typeCode(page, await world.codeFor(address));
    const { id_token } = await application.exchange(application.answer(page.url()).code);
    assert.equal(world.claimsOf(id_token).email, address);
    assert.equal(world.claimsOf(id_token).email_verified, true);
  });
}

test("a person who has changed their mind takes the telephone", async (t) => {
  const page = await world.person(t, world.DESK);
  const number = world.newNumber();
  await page.goto(both.authorize({ login_hint: world.newAddress() }));
  await world.follow(page, () => page.getByRole("link", { name: "Use a mobile number" }).click());
  await world.signInHere(page, number);
  both.answer(page.url());
});

for (const [language, options] of [["en", world.DESK], ["ar", world.PHONE]]) {
  test(`no page has a barrier: ${language}`, async (t) => {
    const page = await world.person(t, { ...options, locale: language });
    const address = world.newAddress();
    await page.goto(both.authorize({ login_hint: address }));
    await world.hasNoBarriers(page);
    await world.carryOn(page);
    await world.hasNoBarriers(page);
    await world.typeCode(page, world.wrong(await world.codeFor(address)));
    await world.hasNoBarriers(page);
  });
}
