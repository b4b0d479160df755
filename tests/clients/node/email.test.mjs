// Signing in by e-mail through `auth0-legacy`: a code that is typed, and a link. The mails lie in the inbox of `ringpass dev`.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe, test } from "node:test";
import { AuthenticationClient } from "auth0-legacy";
import { decodeJwt } from "jose";
import * as world from "./world.mjs";

const { settings } = world;
const newAddress = () => `ada.${randomBytes(6).toString("hex")}@mail.example`;

/** The newest message to somebody. */
async function mailTo(address) {
  const messages = await (await fetch(`${settings.http_url}/dev/messages`)).json();
  return messages.find((message) => message.channel === "email" && message.recipient === address);
}

describe("e-mail", () => {
  let client;

  before(() => {
    client = new AuthenticationClient({
      domain: settings.domain,
      clientId: settings.web.client_id,
      clientSecret: settings.web.client_secret,
    });
  });

  test("a code from a mail signs in", async () => {
    const email = newAddress();
    const { status } = await client.passwordless.sendEmail({ email, send: "code" });
    assert.equal(status, 200);

    const mail = await mailTo(email);
    const code = mail.body.match(/\b\d{6}\b/)[0];
    assert.ok(mail.subject.includes(code));
    await assert.rejects(client.passwordless.loginWithEmail({ email, code: world.wrong(code) }), {
      error: "invalid_grant",
      error_description: "Wrong email or verification code.",
    });
    const { data: tokens } = await client.passwordless.loginWithEmail({ email, code, scope: "openid email" });
    const claims = decodeJwt(tokens.id_token);
    assert.match(claims.sub, /^email\|[0-9a-f]{24}$/);
    assert.deepEqual([claims.email, claims.email_verified], [email, true]);
  });

  test("a link carries the application's wishes", async () => {
    const email = newAddress();
    const wishes = { response_type: "code", redirect_uri: "http://localhost:3000/callback", state: "a&b" };
    await client.passwordless.sendEmail({ email, send: "link", authParams: wishes });
    const link = new URL((await mailTo(email)).body.match(/<(https:[^>]+)>/)[1]);
    assert.equal(link.pathname, "/passwordless/verify_redirect");
    assert.equal(link.searchParams.get("client_id"), settings.web.client_id);
    for (const [name, value] of Object.entries(wishes)) assert.equal(link.searchParams.get(name), value);
    assert.ok(link.searchParams.get("verification_code").length >= 20);
  });

  test("an address that is none is refused", async () => {
    await assert.rejects(client.passwordless.sendEmail({ email: "food", send: "code" }), {
      error: "bad.email",
      error_description: "error in email - email format validation failed: food",
    });
  });
});

describe("the Management API", () => {
  test("keeps a provider without telling its password, and templates", async () => {
    const { emails, emailTemplates } = world.management;
    const credentials = { smtp_host: "mail.example", smtp_port: 587, smtp_user: "ringpass", smtp_pass: "hunter2" };
    const made = await emails.provider.create({ name: "smtp", default_from_address: "a@mail.example", credentials });
    assert.equal(JSON.stringify(made).includes("hunter2"), false);
    const changed = await emails.provider.update({ enabled: false });
    assert.equal(changed.enabled, false);
    await emails.provider.delete();
    await assert.rejects(emails.provider.get(), { statusCode: 404 });

    await assert.rejects(emailTemplates.get("welcome_email"), { statusCode: 404 });
    const template = {
      template: "welcome_email",
      body: "<p>Hello {{ user.name }}</p>",
      from: "a@mail.example",
      subject: "Hello",
      syntax: "liquid",
      enabled: true,
    };
    await emailTemplates.create(template);
    assert.equal((await emailTemplates.update("welcome_email", { subject: "Hi" })).subject, "Hi");
    assert.equal((await emailTemplates.set("welcome_email", { ...template, enabled: false })).enabled, false);
  });
});
