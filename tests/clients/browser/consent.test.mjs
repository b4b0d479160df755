// An application of somebody else: the person is asked what it may have.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

const AUDIENCE = world.newAudience();
let application;
before(async () => {
  application = await world.application({ name: "Weather Station", is_first_party: false });
  await world.api("POST", "resource-servers", {
    identifier: AUDIENCE,
    name: "Weather",
    scopes: [{ value: "read:wind", description: "See where the wind comes from" }],
    subject_type_authorization: { user: { policy: "allow_all" } },
  });
});

for (const [where, options] of [["at a desk", world.DESK], ["on a phone, without JavaScript", { ...world.PHONE, javaScriptEnabled: false }]]) {
  test(`is told what the application wants, and asked once: ${where}`, async (t) => {
    const page = await world.person(t, options);
    const wish = { audience: AUDIENCE, scope: "openid read:wind" };
    await world.signIn(page, application.authorize(wish));
    assert.equal(await world.screenOf(page), "consent");
    const text = await page.locator("main").innerText();
    assert.match(text, /Weather Station/);
    assert.match(text, /See where the wind comes from/);
    await world.follow(page, () => page.getByRole("button", { name: "Allow" }).click());
    const { code } = application.answer(page.url());
    const { access_token } = await application.exchange(code);
    assert.equal(world.claimsOf(access_token).scope, "openid read:wind");
    await page.goto(application.authorize(wish));
    application.answer(page.url());
  });

  test(`may say no: ${where}`, async (t) => {
    const page = await world.person(t, options);
    await world.signIn(page, application.authorize());
    await world.follow(page, () => page.getByRole("button", { name: "Refuse" }).click());
    const { error, error_description, state } = application.answer(page.url());
    assert.equal(error, "access_denied");
    assert.equal(error_description, "User did not authorize the request");
    assert.equal(state, "of the application");
  });
}
