// Signing out: where it leads, and where it must not.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

let application;
before(async () => {
  application = await world.application();
});

const leave = (path, parameters) => `${world.SERVER}${path}?${new URLSearchParams(parameters)}`;

/** Whether the next visit asks who it is. */
async function isAsked(page) {
  await page.goto(application.authorize());
  return new URL(page.url()).origin === world.SERVER;
}

test("ends the session and leads back to an address that the application listed", async (t) => {
  const page = await world.person(t, world.DESK);
  await world.signIn(page, application.authorize());
  assert.equal(await isAsked(page), false);
  await page.goto(leave("/v2/logout", { client_id: application.client_id, returnTo: application.origin }));
  assert.equal(page.url(), `${application.origin}/`);
  assert.equal(await isAsked(page), true);
});

test("leads to no address that nobody listed", async (t) => {
  const page = await world.person(t, world.PHONE);
  for (const [path, name] of [["/v2/logout", "returnTo"], ["/oidc/logout", "post_logout_redirect_uri"]]) {
    await page.goto(leave(path, { client_id: application.client_id, [name]: "https://elsewhere.example/" }));
    assert.equal(new URL(page.url()).origin, world.SERVER);
    assert.equal(await world.screenOf(page), "status");
    await world.hasNoBarriers(page);
  }
});

for (const [where, options] of [["at a desk", world.DESK], ["on a phone, without JavaScript", { ...world.PHONE, javaScriptEnabled: false }]]) {
  test(`asks before it ends a session that nothing else names: ${where}`, async (t) => {
    const page = await world.person(t, options);
    await world.signIn(page, application.authorize());
    await page.goto(leave("/oidc/logout", {}));
    assert.equal(await world.heading(page), "Sign out");
    if (options === world.DESK) await world.hasNoBarriers(page);
    await world.carryOn(page);
    if (options === world.DESK) await world.hasNoBarriers(page);
    assert.equal(await isAsked(page), true);
  });
}
