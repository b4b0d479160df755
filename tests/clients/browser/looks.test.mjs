// What pages are like: in every language and direction of writing, light and dark, by keyboard, on the wire.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as world from "./world.mjs";

world.useBrowser();

/** What a first view may weigh on the wire. */
const FIRST_VIEW = 60_000;

let application, stranger;
before(async () => {
  application = await world.application();
  stranger = await world.application({ name: "Weather Station", is_first_party: false });
});

describe("nobody meets a barrier, light or dark", () => {
  for (const [language, options] of [["en", world.DESK], ["ar", world.PHONE]]) {
    test(`from left to right or from right to left: ${language}`, async (t) => {
      const page = await world.person(t, { ...options, locale: language });
      const number = world.newNumber();
      await page.goto(stranger.authorize());
      assert.equal(await page.locator("html").getAttribute("dir"), language === "ar" ? "rtl" : "ltr");
      await world.hasNoBarriers(page);
      await page.locator("#username").fill("1");
      await world.carryOn(page);
      await world.hasNoBarriers(page);
      await page.locator("#username").fill(number);
      await world.carryOn(page);
      await world.hasNoBarriers(page);
      const code = await world.codeFor(number);
      await world.typeCode(page, world.wrong(code));
      await world.hasNoBarriers(page);
      await world.typeCode(page, code);
      assert.equal(await world.screenOf(page), "consent");
      await world.hasNoBarriers(page);
      await page.goto(`${world.SERVER}/authorize?client_id=nobody`);
      await world.hasNoBarriers(page);
    });
  }
});

describe("the language", () => {
  const languageOf = (page) => page.locator("html").getAttribute("lang");

  test("is one of those the browser asks for, or the one the application asks for", async (t) => {
    const titles = new Set();
    const page = await world.person(t, { ...world.PHONE, locale: "fr-CA" });
    await page.goto(application.authorize());
    assert.match(await languageOf(page), /^fr/);
    for (const language of world.LANGUAGES) {
      await page.goto(application.authorize({ ui_locales: `tlh ${language}` }));
      assert.match(await languageOf(page), new RegExp(`^${language}`, "i"));
      titles.add(await page.title());
      assert.equal(await world.widthOf(page), 320, `${language} is too wide for a phone`);
    }
    assert.equal(titles.size, world.LANGUAGES.length);
  });

  test("stays the same from page to page", async (t) => {
    const page = await world.person(t, { ...world.DESK, locale: "de-DE" });
    await page.goto(application.authorize({ ui_locales: "es" }));
    await page.locator("#username").fill(world.newNumber());
    await world.carryOn(page);
    assert.match(await languageOf(page), /^es/);
  });
});

test("a keyboard is enough, and shows where it is", async (t) => {
  const page = await world.person(t, { ...world.DESK, reducedMotion: "reduce" });
  const number = world.newNumber();
  await page.goto(application.authorize());
  const seen = [await focused(page)];
  for (const key of ["Shift+Tab", "Shift+Tab", "Tab", "Tab"]) {
    await page.keyboard.press(key);
    seen.push(await focused(page));
  }
  assert.deepEqual(seen, ["username", "country", "skip", "country", "username"]);
  await page.locator("#country").focus();
  await page.keyboard.type("Germ");
  assert.equal(await page.locator("#country").inputValue(), "DE");
  await page.keyboard.press("Tab");
  await page.keyboard.type(number.replace("+49", "0"));
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "primary");
  await world.follow(page, () => page.keyboard.press("Enter"));
  assert.equal(await focused(page), "code");
  await world.follow(page, async () => page.keyboard.type(await world.codeFor(number)));
  application.answer(page.url());
});

/** What a key would go to, and that one sees it. */
async function focused(page) {
  const { name, outline, inside } = await page.evaluate(() => {
    const element = document.activeElement;
    const { top, left } = element.getBoundingClientRect();
    const inside = top >= 0 && left >= 0;
    return { name: element.id || element.className, outline: getComputedStyle(element).outlineStyle, inside };
  });
  assert.ok(outline !== "none" && inside, `no focus to be seen on ${name}`);
  return name;
}

test("nothing moves for who asks for reduced motion", async (t) => {
  const page = await world.person(t, { ...world.DESK, reducedMotion: "reduce" });
  await page.goto(application.authorize());
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((element) => {
      const { animationName, transitionDuration } = getComputedStyle(element);
      return animationName !== "none" || transitionDuration !== "0s";
    }).length);
  assert.equal(moving, 0);
});

for (const [where, options] of [["a desk", world.DESK], ["a phone", world.PHONE]]) {
  test(`the first view on ${where} is light and stays where it is`, async (t) => {
    const page = await world.person(t, options);
    const wire = await page.context().newCDPSession(page);
    let bytes = 0;
    wire.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await wire.send("Network.enable");
    await page.goto(application.authorize(), { waitUntil: "networkidle" });
    assert.ok(bytes > 2_000 && bytes < FIRST_VIEW, `${bytes} bytes`);
    t.diagnostic(`${bytes} bytes`);
    assert.equal(await world.shift(page), 0);
    const number = world.newNumber();
    await page.locator("#username").fill(number);
    await world.carryOn(page);
    assert.equal(await world.shift(page), 0);
    await world.typeCode(page, world.wrong(await world.codeFor(number)));
    assert.equal(await world.shift(page), 0);
  });
}

test("pages may be neither framed nor kept, and load nothing from elsewhere", async (t) => {
  const page = await world.person(t, world.DESK);
  const answer = await page.goto(application.authorize());
  const headers = answer.headers();
  assert.equal(headers["cache-control"], "no-store");
  assert.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'.*script-src 'self'/);
  const sources = await page.evaluate(() => performance.getEntriesByType("resource").map((entry) => new URL(entry.name).origin));
  assert.deepEqual([...new Set(sources)], [world.SERVER]);
});
