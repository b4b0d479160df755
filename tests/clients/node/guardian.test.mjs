// Second factors through `auth0`: what a tenant switches on, and what an administrator does with a user's phone.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Management } from "auth0";
import * as world from "./world.mjs";

const { management } = world;
const { guardian } = management;

describe("second factors", () => {
  const number = world.newNumber();
  let user;

  before(async () => {
    user = await management.users.create({ connection: "sms", phone_number: number });
  });
  after(async () => {
    await management.users.delete(user.user_id);
    await guardian.factors.set("sms", { enabled: false });
    await guardian.factors.set("recovery-code", { enabled: false });
    await guardian.factors.phone.setMessageTypes({ message_types: [] });
    await guardian.factors.phone.setProvider({ provider: "auth0" });
  });

  test("the phone is switched on, for messages and calls through Twilio", async () => {
    assert.deepEqual(await guardian.factors.set("sms", { enabled: true }), { enabled: true });
    assert.deepEqual((await guardian.factors.list()).filter((factor) => factor.enabled), [
      { name: "sms", enabled: true, trial_expired: false },
    ]);
    const types = { message_types: ["voice", "sms"] };
    assert.deepEqual(await guardian.factors.phone.setMessageTypes(types), types);
    assert.deepEqual(await guardian.factors.phone.getMessageTypes(), types);

    await guardian.factors.phone.setProvider({ provider: "twilio" });
    assert.deepEqual(await guardian.factors.sms.getSelectedProvider(), { provider: "twilio" });
    const twilio = { sid: "AC0123", auth_token: "a-token", from: "+15550100" };
    assert.deepEqual(await guardian.factors.phone.setTwilioProvider(twilio), twilio);
    assert.deepEqual(await guardian.factors.sms.getTwilioProvider(), { ...twilio, messaging_service_sid: null });
  });

  test("texts are Liquid, and policies a list", async () => {
    const builtIn = await guardian.factors.phone.getTemplates();
    const texts = { enrollment_message: "{{ code }} for {{ tenant.friendly_name }}", verification_message: "{{ code }}" };
    assert.deepEqual(await guardian.factors.phone.setTemplates(texts), texts);
    assert.deepEqual(await guardian.factors.sms.getTemplates(), texts);
    const broken = guardian.factors.phone.setTemplates({ ...texts, verification_message: "{{ code" });
    await assert.rejects(broken, Management.BadRequestError);
    await guardian.factors.phone.setTemplates(builtIn);

    assert.deepEqual(await guardian.policies.list(), []);
    assert.deepEqual(await guardian.policies.set(["confidence-score"]), ["confidence-score"]);
    assert.deepEqual(await guardian.policies.set([]), []);
  });

  test("a phone is enrolled for a user, renamed, seen by the older calls, and taken away", async () => {
    const methods = management.users.authenticationMethods;
    const made = await methods.create(user.user_id, { type: "phone", phone_number: number, name: "Work mobile" });
    const ways = made.authentication_methods.map((way) => way.type);
    assert.deepEqual([made.type, made.preferred_authentication_method, ways], ["phone", "voice", ["sms", "voice"]]);
    const again = methods.create(user.user_id, { type: "phone", phone_number: number });
    await assert.rejects(again, Management.ConflictError);
    const changed = await methods.update(user.user_id, made.id, { preferred_authentication_method: "sms" });
    assert.deepEqual(await methods.get(user.user_id, made.id), changed);
    assert.deepEqual((await methods.list(user.user_id)).data, [changed]);
    assert.deepEqual((await management.users.get(user.user_id)).multifactor, ["guardian"]);

    const [enrollment] = await management.users.enrollments.get(user.user_id);
    assert.deepEqual([enrollment.auth_method, enrollment.phone_number], ["sms", number.replace(/.(?=.{4})/g, "X")]);
    assert.equal((await guardian.enrollments.get(enrollment.id)).status, "confirmed");
    await guardian.factors.set("recovery-code", { enabled: true });
    assert.match((await management.users.regenerateRecoveryCode(user.user_id)).recovery_code, /^[0-9A-Z]{24}$/);

    await guardian.enrollments.delete(enrollment.id);
    await assert.rejects(guardian.enrollments.get(enrollment.id), { statusCode: 404 });
    await methods.set(user.user_id, [{ type: "email", email: "ann@example.com" }]);
    await management.users.multifactor.invalidateRememberBrowser(user.user_id);
    await management.users.multifactor.deleteProvider(user.user_id, "google-authenticator");
    await management.users.authenticators.deleteAll(user.user_id);
    assert.deepEqual((await methods.list(user.user_id)).data, []);
  });
});
