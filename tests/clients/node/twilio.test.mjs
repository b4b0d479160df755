// Twilio in place of your own gateway: `auth0` tells the `sms` connection its account, people sign in through
// `@auth0/auth0-auth-js`, and what Twilio refuses comes back in its words.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AuthClient, PasswordlessStartError } from "@auth0/auth0-auth-js";
import { newAccount, startTwilio } from "./twilio.mjs";
import * as world from "./world.mjs";

const { management, settings } = world;

describe("Twilio", () => {
  const account = newAccount();
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
