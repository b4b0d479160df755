// What people and browsers do besides what they are asked to: they press twice, go back, open a second tab, copy an
// address, keep no cookies. Nothing is lost, nothing is sent twice, and a page says what to do.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { chromium } from "playwright-core";
import * as world from "./world.mjs";

world.useBrowser();

let application;
before(async () => {
  application = await world.application();
});

const says = async (page, text) => assert.match(await page.locator("main").innerText(), text);

test("pressing the button twice sends one message", async (t) => {
  const page = await world.person(t, world.DESK);
  const number = world.newNumber();
  await page.goto(application.authorize());
  await page.locator("#username").fill(number);
  await world.follow(page, () => page.locator("button.primary").dblclick());
  assert.equal(await world.heading(page), "Check your phone");
  assert.equal((await world.messagesTo(number)).length, 1);
});

test("the code is sent by its last digit once, and Enter right after it does no harm", async (t) => {
  const page = await world.person(t, world.DESK);
  const number = world.newNumber();
  await world.askForCode(page, application.authorize(), number);
  const code = await world.codeFor(number);
  await page.locator("#code").pressSequentially(code);
  await page.keyboard.press("Enter").catch(() => {});
  await page.waitForURL(/\/callback/);
  const { id_token } = await application.exchange(application.answer(page.url()).code);
  const sessions = await world.api("GET", `users/${encodeURIComponent(world.claimsOf(id_token).sub)}/sessions`);
  assert.equal(sessions.sessions.length, 1);
});

test("a pasted code with spaces is taken as it was meant", async (t) => {
  const page = await world.person(t, world.DESK);
  const number = world.newNumber();
  await world.askForCode(page, application.authorize(), number);
  const code = await world.codeFor(number);
  await world.follow(page, () => page.locator("#code").fill(`${code.slice(0, 3)} ${code.slice(3)}`));
  application.answer(page.url());
});

for (const [where, options] of [["", world.DESK], [", without JavaScript", { ...world.PHONE, javaScriptEnabled: false }]]) {
  test(`asking for another code has to wait, and the page says how long${where}`, async (t) => {
    const page = await world.person(t, options);
    const number = world.newNumber();
    await world.askForCode(page, application.authorize(), number);
    assert.match(await page.locator(".wait").innerText(), /^Send again in (30|2\d) s$/);
    const button = page.locator("button[value=resend-code]");
    if (options === world.DESK) {
      assert.ok(await button.isHidden());
      await button.evaluate((element) => element.removeAttribute("data-wait"));
    }
    await world.follow(page, () => button.click());
    assert.match(await page.locator(".wait").innerText(), /^Send again in (30|2\d) s$/);
    assert.equal((await world.messagesTo(number)).length, 1);
  });
}

test("the wait counts down, and then there is a button", async (t) => {
  const page = await world.person(t, world.DESK);
  await page.clock.install();
  await world.askForCode(page, application.authorize(), world.newNumber());
  await page.clock.runFor(12_000);
  assert.match(await page.locator(".wait").innerText(), /^Send again in 1\d s$/);
  await page.clock.runFor(20_000);
  assert.ok(await page.getByRole("button", { name: "Send again" }).isVisible());
  assert.equal(await page.locator(".wait").count(), 0);
});

test("two tabs with two sign-ins: the second finds the person signed in", async (t) => {
  const page = await world.person(t, world.DESK);
  const other = await page.context().newPage();
  await other.goto(application.authorize());
  application.answer(await world.signIn(page, application.authorize()));
  await world.askForCode(other, other.url(), world.newNumber());
  await other.goto(application.authorize());
  application.answer(other.url());
});

test("two tabs with one sign-in: the second says that it is over", async (t) => {
  const page = await world.person(t, world.DESK);
  const number = world.newNumber();
  await world.askForCode(page, application.authorize(), number);
  const other = await page.context().newPage();
  await other.goto(page.url());
  const code = await world.codeFor(number);
  await world.typeCode(page, code);
  application.answer(page.url());
  await world.typeCode(other, code);
  await says(other, /This sign-in is finished/);
});

test("going back after signing in shows no form that could be sent again", async (t) => {
  const page = await world.person(t, world.DESK);
  application.answer(await world.signIn(page, application.authorize()));
  await page.goBack();
  assert.equal(await world.screenOf(page), "status");
  await says(page, /This sign-in is finished/);
  assert.equal(await page.locator("form").count(), 0);
});

test("an address copied into another browser leads nowhere", async (t) => {
  const page = await world.person(t, world.DESK);
  const number = world.newNumber();
  await world.askForCode(page, application.authorize(), number);
  const other = await world.person(t, world.DESK);
  await other.goto(page.url());
  await says(other, /cookie/i);
  await other.goto(application.authorize());
  await other.goto(page.url());
  await says(other, /another browser/i);
  assert.equal(await other.locator("form").count(), 0);
  await world.typeCode(page, await world.codeFor(number));
  application.answer(page.url());
});

test("a browser without cookies is told so", async (t) => {
  const profile = await mkdtemp(join(tmpdir(), "ringpass-browser-"));
  await mkdir(join(profile, "Default"));
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile, "Default", "Preferences"), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    args: world.SWITCHES,
    ignoreHTTPSErrors: true,
    locale: "en-US",
  });
  t.after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });
  const page = await context.newPage();
  await page.goto(application.authorize());
  await says(page, /cookies/i);
});

for (const [what, path, text] of [
  ["a sign-in that is unknown or took too long", "/u/login/identifier?state=nobody", /./],
  ["an application that does not exist", "/authorize?client_id=nobody", /./],
]) {
  test(`${what} is a page with the name of the request`, async (t) => {
    const page = await world.person(t, world.PHONE);
    const answer = await page.goto(world.SERVER + path);
    assert.ok(answer.status() >= 400);
    assert.equal(await world.screenOf(page), "status");
    await says(page, text);
    await says(page, new RegExp(answer.headers()["x-request-id"]));
    await world.hasNoBarriers(page);
  });
}

test("who asks too often is told to wait", async (t) => {
  const page = await world.person(t, world.DESK);
  await page.goto(application.authorize());
  await Promise.all(Array.from({ length: 25 }, () => page.context().request.get(page.url())));
  const answer = await page.reload();
  assert.equal(answer.status(), 429);
  assert.ok(Number(answer.headers()["retry-after"]) > 0);
  assert.equal(await world.screenOf(page), "status");
  await world.hasNoBarriers(page);
});
