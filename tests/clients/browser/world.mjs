// What every story here needs: the running server and its Management API, an application to sign in to, and a browser
// that notices what a person would not: errors in its console, layout that moves, barriers.
import assert from "node:assert/strict";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import net from "node:net";
import { pipeline } from "node:stream";
import { pathToFileURL } from "node:url";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** What `ringpass dev` wrote about itself: domain, issuer, clients and their secrets. */
export const settings = JSON.parse(readFileSync(process.env.RINGPASS_DEV_JSON, "utf8"));
/** The server's origin. */
export const SERVER = new URL(settings.issuer).origin;

export const DESK = { viewport: { width: 1000, height: 760 } };
export const PHONE = { viewport: { width: 320, height: 640 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
/** Every language that pages come in. */
export const LANGUAGES = "en fr es de pt it nl pl tr ja ar hi zh-CN ru sv ko uk".split(" ");

// ---- the server

let token;

/** A call of the Management API; `null` where the answer has no body. */
export async function api(method, path, body) {
  token ??= await managementToken();
  const answer = await fetch(new URL(`/api/v2/${path}`, settings.issuer), {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

async function managementToken() {
  const audience = `${settings.issuer}api/v2/`;
  const { access_token } = await tokens({ grant_type: "client_credentials", audience, ...settings.management });
  return access_token;
}

/** What the token endpoint answers. */
export async function tokens(body) {
  const answer = await fetch(new URL("/oauth/token", settings.issuer), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/** What a token says. Nobody verifies it here: the SDKs do. */
export const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url").toString());

/** A German mobile number that nobody has used yet. */
export const newNumber = () => `+49151${String(randomInt(100_000_000)).padStart(8, "0")}`;

/** An e-mail address that nobody has used yet, and longer than a phone is wide. */
export const newAddress = () => `${randomBytes(6).toString("hex")}.with.a.rather.long.name@people.example`;

/** An identifier for an API of a test's own. */
export const newAudience = () => `https://${randomBytes(6).toString("hex")}.example/`;

/** What was sent to `recipient`, newest first. */
export async function messagesTo(recipient) {
  const answer = await fetch(new URL("/dev/messages", settings.http_url));
  return (await answer.json()).filter((message) => message.recipient === recipient);
}

/** The code in the newest message to `recipient`. */
export async function codeFor(recipient) {
  const [message] = await messagesTo(recipient);
  assert.ok(message, `no message to ${recipient} arrived`);
  return message.body.match(/\b\d{6}\b/)[0];
}

/** The newest link with this path that was mailed to an address. */
export async function linkFor(address, path) {
  const links = (await messagesTo(address)).flatMap(({ body }) => body.match(/https:\/\/[^\s>]+/g) ?? []);
  const link = links.find((each) => new URL(each).pathname === path);
  assert.ok(link, `no link to ${path} among ${links}`);
  return link;
}

/** Six digits that are not the code. */
export const wrong = (code, by = 1) => String((Number(code) + by) % 1_000_000).padStart(6, "0");

// ---- an application

/**
 * Serves `answer` (or a page that only says hello) on a free port, with the server's own certificate: to the browser the
 * two are one site, as they are under the domains of a real company. Browsers keep cookies from frames of other sites.
 */
export async function serve(answer = hello) {
  const certificate = (name) => readFileSync(new URL(name, pathToFileURL(process.env.RINGPASS_DEV_JSON)));
  const server = https.createServer({ cert: certificate("server.pem"), key: certificate("server-key.pem") }, answer);
  return `https://localhost:${await listen(server)}`;
}

/** The port. The server does not keep the process alive. */
async function listen(server) {
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return server.unref().address().port;
}

function hello(_, response) {
  response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><html lang="en"><title>Hello</title><h1>Hello`);
}

/** Serves one page, with a library of node_modules in it, under every path. */
export async function servePage(library) {
  const script = readFileSync(new URL(`node_modules/${library}`, import.meta.url));
  return serve(({ url }, response) => {
    if (url === "/library.js") return response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    if (url === "/favicon.ico") return response.writeHead(204).end();
    return response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  });
}

const PAGE = `<!doctype html><html lang="en"><title>Shop</title><script src="/library.js"></script><h1>Shop</h1>`;

/** A client of the Management API whose pages are at `origin`, and whose people may sign in by these connections. */
export async function register(origin, more = {}) {
  const { connections = ["sms"], ...rest } = more;
  const client = await api("POST", "clients", {
    name: "Bicycle Shop",
    app_type: "spa",
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    callbacks: [`${origin}/callback`],
    allowed_logout_urls: [origin],
    web_origins: [origin],
    allowed_origins: [origin],
    oidc_conformant: true,
    ...rest,
  });
  for (const name of connections) {
    const [{ id }] = await api("GET", `connections?name=${name}`);
    await api("PATCH", `connections/${id}/clients`, [{ client_id: client.client_id, status: true }]);
  }
  return client;
}

/** An application without a library: where it sends people, and what it does when they come back. */
export async function application(more) {
  const origin = await serve();
  const client = await register(origin, more);
  const verifier = randomBytes(32).toString("base64url");
  const redirect_uri = `${origin}/callback`;
  return {
    origin,
    client_id: client.client_id,
    authorize(extra = {}) {
      const parameters = new URLSearchParams({
        client_id: client.client_id,
        response_type: "code",
        redirect_uri,
        scope: "openid profile phone",
        state: "of the application",
        code_challenge: createHash("sha256").update(verifier).digest("base64url"),
        code_challenge_method: "S256",
        ...extra,
      });
      return `${SERVER}/authorize?${parameters}`;
    },
    /** What the address says that a person came back to. */
    answer(address) {
      assert.ok(address.startsWith(redirect_uri), `not back at the application, but at ${address}`);
      return Object.fromEntries(new URL(address).searchParams);
    },
    exchange: (code) =>
      tokens({ grant_type: "authorization_code", client_id: client.client_id, code, redirect_uri, code_verifier: verifier }),
  };
}

// ---- a browser

let browser;

/** Starts a browser before the tests of a file, and ends it after them. */
export function useBrowser() {
  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: SWITCHES });
    await api("PATCH", "tenants/settings", { enabled_locales: LANGUAGES });
  });
  after(() => browser.close());
}

/** Chromium's sandbox refuses to run for root. */
export const SWITCHES = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

/**
 * A person with a browser of their own, which calls from an address of its own: limits are counted by address. Fails the
 * test when the browser complained about a page.
 */
export async function person(t, options = {}) {
  const proxy = await proxyFrom(`127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`);
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: "en-US",
    proxy: { server: proxy },
    ...options,
  });
  t.after(() => context.close());
  context.setDefaultTimeout(10_000);
  const complaints = [];
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !isRefusal(message)) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  t.after(() => assert.deepEqual(complaints, [], "the browser complains"));
  await context.addInitScript(watchShifts);
  const page = await context.newPage();
  if (options.javaScriptEnabled === false) scriptless.add(page);
  return page;
}

/** Pages that run no JavaScript. */
const scriptless = new WeakSet();

/** A page whose status says that something was refused is no complaint. */
const isRefusal = (message) => /^Failed to load resource: the server responded with a status of 4/.test(message.text());

/** A proxy that calls the server from this address of loopback. */
async function proxyFrom(localAddress) {
  const proxy = http.createServer();
  proxy.on("connect", (request, near) => {
    const far = net.connect({ host: "127.0.0.1", port: Number(request.url.split(":").at(-1)), localAddress });
    far.on("connect", () => near.write("HTTP/1.1 200 OK\r\n\r\n"));
    pipeline(near, far, near, () => {});
  });
  return `http://127.0.0.1:${await listen(proxy)}`;
}

function watchShifts() {
  globalThis.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}

/** How far things moved while the page came up. */
export const shift = (page) => page.evaluate(() => globalThis.shifted);

/** In pixels, what lies outside of the window included. */
export const widthOf = (page) => page.evaluate(() => document.documentElement.scrollWidth);

/** Fails if a person with a screen reader, a keyboard or weak eyes would meet a barrier on the page. */
export async function hasNoBarriers(page) {
  assert.equal(await widthOf(page), page.viewportSize().width, `${page.url()} scrolls sideways`);
  await page.evaluate(AXE);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const told = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`));
    assert.deepEqual(told, [], `${colorScheme} ${page.url()}`);
  }
}

// ---- the hosted pages

export const screenOf = (page) => page.locator("main").getAttribute("data-screen");
export const heading = (page) => page.locator("h1").innerText();
export const problem = (page) => page.locator(".error").innerText();

/** Presses the button that carries on, and waits for what comes. */
export const carryOn = (page) => follow(page, () => page.locator("button.primary").click());

/** Does something that loads another page. */
export async function follow(page, act) {
  await Promise.all([page.waitForEvent("domcontentloaded"), act()]);
}

/** From the application to the page that asks for the code. */
export async function askForCode(page, address, number) {
  await page.goto(address);
  await askForCodeHere(page, number);
}

async function askForCodeHere(page, number) {
  await page.locator("#username").fill(number);
  await carryOn(page);
  assert.equal(await heading(page), "Check your phone");
}

/** Types the code. With JavaScript the last digit sends it. */
export async function typeCode(page, code) {
  await page.locator("#code").fill("");
  if (scriptless.has(page)) {
    await page.locator("#code").fill(code);
    await carryOn(page);
  } else {
    await follow(page, () => page.locator("#code").pressSequentially(code));
  }
}

/** Signs in with a code from a text message; the address at the application that this leads to. */
export async function signIn(page, address, number = newNumber()) {
  await page.goto(address);
  return signInHere(page, number);
}

/** The same for somebody whom the application has sent to the pages already. */
export async function signInHere(page, number = newNumber()) {
  await askForCodeHere(page, number);
  await typeCode(page, await codeFor(number));
  return page.url();
}
