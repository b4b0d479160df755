// Twilio in place of your own gateway: `auth0` tells the `sms` connection its account, people sign in through
// `@auth0/auth0-auth-js`, and what Twilio refuses comes back in its words.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { AuthClient, PasswordlessStartError } from "@auth0/auth0-auth-js";
import * as world from "./world.mjs";

const { management, settings } = world;

/** A Twilio account where the server looks for Twilio: RINGPASS_TWILIO_BASE_URL. `refusal` answers the next messages. */
async function startTwilio({ sid, token }) {
  const twilio = { messages: [], refusal: undefined };
  const answer = (response, status, body) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ status, ...body }));
  };
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    const credentials = `Basic ${Buffer.from(`${sid}:${token}`).toString("base64")}`;
    if (request.method !== "POST" || request.url !== `/2010-04-01/Accounts/${sid}/Messages.json`) {
      answer(response, 404, { code: 20404, message: "The requested resource was not found" });
    } else if (request.headers.authorization !== credentials) {
      answer(response, 401, { code: 20003, message: "Authenticate" });
    } else if (twilio.refusal !== undefined) {
      answer(response, 400, twilio.refusal);
    } else {
      const { To, From, MessagingServiceSid, Body } = Object.fromEntries(new URLSearchParams(body));
      twilio.messages.push({ recipient: To, sender: From ?? MessagingServiceSid, body: Body });
      answer(response, 201, { sid: `SM${randomBytes(16).toString("hex")}`, status: "queued", to: To });
    }
  });
  const { hostname, port } = new URL(process.env.RINGPASS_TWILIO_BASE_URL);
  await new Promise((ready) => server.listen(Number(port), hostname, ready));
  twilio.close = () => server.close();
  return twilio;
}

describe("Twilio", () => {
  const account = { sid: `AC${randomBytes(16).toString("hex")}`, token: randomBytes(16).toString("hex") };
  const options = {
    name: "sms",
    twilio_sid: account.sid,
    twilio_token: account.token,
    from: "+15550009999",
    messaging_service_sid: null,
    template: "Your verification code is: @@password@@",
    syntax: "md_with_macros",
    totp: { time_step: 300, length: 6 },
  };
  let story;
  let twilio;
  let client;

  before(async () => {
    story = await world.setUp();
    twilio = await startTwilio(account);
    client = new AuthClient({
      domain: settings.domain,
      clientId: story.application.client_id,
      clientSecret: story.application.client_secret,
    });
  });
  after(() => {
    story.gateway.close();
    twilio.close();
  });

  const switchTo = (changes) =>
    management.connections.update(story.connection.id, { options: { ...options, ...changes } });

  test("is what a connection without a provider sends through", async () => {
    assert.deepEqual((await switchTo({})).options, options);
    const phoneNumber = world.newNumber();
    await client.passwordless.sendSms({ phoneNumber });
    assert.equal(twilio.messages.at(-1).sender, "+15550009999");
    const code = world.codeFor(twilio, phoneNumber);
    const tokens = await client.getTokenByPasswordlessSms({ phoneNumber, code, scope: "openid phone" });
    assert.equal(tokens.claims.phone_number, phoneNumber);
    assert.equal(story.gateway.messages.length, 0);
  });

  test("sends through a messaging service when the connection names one", async () => {
    await switchTo({ provider: "twilio", messaging_service_sid: "MG77" });
    await client.passwordless.sendSms({ phoneNumber: world.newNumber() });
    assert.equal(twilio.messages.at(-1).sender, "MG77");
  });

  test("refuses a number in its own words, with its code", async () => {
    const refusals = async (phoneNumber) => {
      const error = await client.passwordless.sendSms({ phoneNumber }).catch((refusal) => refusal);
      assert.ok(error instanceof PasswordlessStartError);
      assert.equal(error.statusCode, 400);
      assert.equal(error.cause.error, "sms_provider_error");
      return error.message;
    };
    const phoneNumber = world.newNumber();
    twilio.refusal = { code: 21211, message: `The 'To' number ${phoneNumber} is not a valid phone number.` };
    assert.equal(await refusals(phoneNumber), `The 'To' number ${phoneNumber} is not a valid phone number. (Code: 21211)`);
    twilio.refusal = undefined;
    await switchTo({ twilio_token: "another token" });
    assert.equal(await refusals(phoneNumber), "Authenticate (Code: 20003)");
    await switchTo({ from: null });
    assert.equal(await refusals(phoneNumber), "The SMS provider is not configured");
  });
});
