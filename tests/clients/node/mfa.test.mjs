// Second factors while signing in, through `@auth0/auth0-auth-js`: a phone by text and by call, an authenticator application, a
// recovery code. `auth0` sets them up, and the library before it shows what it makes of a demand.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import {
  AuthClient,
  MfaChallengeError,
  MfaDeleteAuthenticatorError,
  MfaEnrollmentError,
  MfaVerifyError,
  PasswordlessVerifyError,
  TokenByPasswordError,
  TokenByRefreshTokenError,
  isMfaRequiredError,
} from "@auth0/auth0-auth-js";
import { AuthenticationClient } from "auth0-legacy";
import { decodeJwt } from "jose";
import { shown } from "./totp.mjs";
import { codeHeard, codeRead, newAccount, startTwilio } from "./twilio.mjs";
import * as world from "./world.mjs";

const { management, settings } = world;
const { guardian } = management;
const MFA_GRANTS = ["mfa-oob", "mfa-otp", "mfa-recovery-code"].map((name) => `http://auth0.com/oauth/grant-type/${name}`);
const password = "Correct horse battery 1";

describe("signing in with a second factor", () => {
  const account = newAccount();
  const realm = `members-${randomBytes(4).toString("hex")}`;
  const number = world.newNumber();
  const ann = { username: `ann.${randomBytes(4).toString("hex")}@example.org`, password };
  let story;
  let twilio;
  let client;
  let user;
  let recoveryCode;

  before(async () => {
    story = await world.setUp({ grant_types: [world.OTP_GRANT, "password", "refresh_token", ...MFA_GRANTS] });
    twilio = await startTwilio(account);
    const database = await management.connections.create({ name: realm, strategy: "auth0" });
    const { client_id: clientId, client_secret: clientSecret } = story.application;
    await management.connections.clients.update(database.id, [{ client_id: clientId, status: true }]);
    await management.tenants.settings.update({ default_directory: realm });
    user = await management.users.create({ connection: realm, email: ann.username, password });
    client = new AuthClient({ domain: settings.domain, clientId, clientSecret });

    for (const factor of ["sms", "otp", "recovery-code"]) await guardian.factors.set(factor, { enabled: true });
    await guardian.factors.phone.setMessageTypes({ message_types: ["sms", "voice"] });
    await guardian.factors.phone.setProvider({ provider: "twilio" });
    await guardian.factors.phone.setTwilioProvider({ sid: account.sid, auth_token: account.token, from: "+15550009999" });
    await guardian.policies.set(["all-applications"]);
  });
  after(async () => {
    twilio.close();
    story.gateway.close();
    await guardian.policies.set([]);
    for (const factor of ["sms", "otp", "recovery-code"]) await guardian.factors.set(factor, { enabled: false });
    await guardian.factors.phone.setMessageTypes({ message_types: [] });
    await guardian.factors.phone.setProvider({ provider: "auth0" });
    await management.tenants.settings.update({ default_directory: "" });
  });

  /** What a first factor gets: `mfa_token` and `mfa_requirements`. */
  async function demanded(signIn, kind = TokenByPasswordError) {
    const error = await signIn.then(() => assert.fail("no second factor was asked for"), (error) => error);
    assert.ok(isMfaRequiredError(error) && error instanceof kind, error);
    assert.deepEqual([error.statusCode, error.cause.error_description], [403, "Multifactor authentication required"]);
    return { mfaToken: error.cause.mfa_token, requirements: error.cause.mfa_requirements };
  }
  const withPassword = (more = {}) => demanded(client.getTokenByPassword({ ...ann, scope: "openid", ...more }));
  const types = (list) => list.map(({ type }) => type);
  const refused = (kind, error, error_description, statusCode) => (refusal) => {
    assert.ok(refusal instanceof kind, refusal);
    assert.deepEqual([refusal.cause.error, refusal.cause.error_description], [error, error_description]);
    if (statusCode !== undefined) assert.equal(refusal.statusCode, statusCode);
    return true;
  };
  /** A token for managing what one signs in with; it wants a second factor itself. */
  async function managing() {
    const scope = "openid enroll read:authenticators remove:authenticators";
    const { mfaToken } = await withPassword({ audience: `${settings.issuer}mfa/`, scope });
    const { oobCode } = await client.mfa.challengeAuthenticator({ challengeType: "oob", mfaToken });
    const bindingCode = codeRead(twilio, number);
    return (await client.mfa.verify({ factorType: "oob", mfaToken, oobCode, bindingCode })).accessToken;
  }

  test("who has none enrols a phone by text message and is signed in by its code", async () => {
    const { mfaToken, requirements } = await withPassword({ audience: story.api.identifier });
    assert.deepEqual(types(requirements.enroll), ["phone", "otp"]);
    await assert.rejects(
      client.mfa.challengeAuthenticator({ challengeType: "oob", mfaToken }),
      refused(
        MfaChallengeError,
        "unsupported_challenge_type",
        "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.",
        401,
      ),
    );
    const phone = { authenticatorTypes: ["oob"], oobChannels: ["sms"], phoneNumber: number, mfaToken };
    twilio.refusal = { code: 21211, message: `The 'To' number ${number} is not a valid phone number.` };
    await assert.rejects(
      client.mfa.enrollAuthenticator(phone),
      refused(MfaEnrollmentError, "invalid_request", "Invalid phone number", 400),
    );
    twilio.refusal = undefined;

    const enrolled = await client.mfa.enrollAuthenticator(phone);
    assert.deepEqual([enrolled.authenticatorType, enrolled.oobChannel, enrolled.bindingMethod], ["oob", "sms", "prompt"]);
    [recoveryCode] = enrolled.recoveryCodes;
    assert.match(recoveryCode, /^[0-9A-Z]{24}$/);
    const bindingCode = codeRead(twilio, number);
    const proof = { factorType: "oob", mfaToken, oobCode: enrolled.oobCode, bindingCode };
    await assert.rejects(
      client.mfa.verify({ ...proof, bindingCode: world.wrong(bindingCode) }),
      refused(MfaVerifyError, "invalid_grant", "Invalid binding_code."),
    );
    const tokens = await client.mfa.verify(proof);
    assert.equal(tokens.claims.sub, user.user_id);
    assert.ok(decodeJwt(tokens.accessToken).aud.includes(story.api.identifier));
    await assert.rejects(client.mfa.verify(proof), refused(MfaVerifyError, "expired_token", "mfa_token is expired"));
  });

  test("later the phone is challenged, by text or by a call that speaks the code", async () => {
    const { mfaToken, requirements } = await withPassword();
    assert.deepEqual(types(requirements.challenge), ["phone", "recovery-code"]);
    const listed = await client.mfa.listAuthenticators({ mfaToken });
    assert.deepEqual(
      listed.map(({ id, active, name }) => [id.split("|")[0], active, name]),
      [
        ["sms", true, number.replace(/.(?=.{4})/g, "X")],
        ["voice", true, number.replace(/.(?=.{4})/g, "X")],
        ["recovery-code", true, undefined],
      ],
    );
    const [sms, voice] = listed;
    const ask = (authenticatorId) => client.mfa.challengeAuthenticator({ challengeType: "oob", authenticatorId, mfaToken });
    const text = await ask(sms.id);
    assert.deepEqual([text.challengeType, text.bindingMethod], ["oob", "prompt"]);
    const { oobCode } = await ask(voice.id);
    assert.equal(twilio.calls.at(-1).sender, "+15550009999");
    // One code for both: whichever comes first.
    const bindingCode = codeHeard(twilio, number);
    assert.equal(bindingCode, codeRead(twilio, number));
    const tokens = await client.mfa.verify({ factorType: "oob", mfaToken, oobCode, bindingCode });
    assert.equal(tokens.claims.sub, user.user_id);
  });

  test("an application is added, proven, and removed with a token for the MFA API", async () => {
    const { mfaToken: early } = await withPassword();
    const otp = { authenticatorTypes: ["otp"] };
    await assert.rejects(
      client.mfa.enrollAuthenticator({ ...otp, mfaToken: early }),
      refused(MfaEnrollmentError, "access_denied", "User is already enrolled.", 403),
    );
    const mfaToken = await managing();
    const { secret, barcodeUri } = await client.mfa.enrollAuthenticator({ ...otp, mfaToken });
    assert.equal(new URL(barcodeUri).searchParams.get("secret"), secret);
    await client.mfa.verify({ factorType: "otp", mfaToken, otp: shown(secret) });

    const signIn = await withPassword();
    const challenge = await client.mfa.challengeAuthenticator({ challengeType: "otp", mfaToken: signIn.mfaToken });
    assert.deepEqual(challenge, { challengeType: "otp" });
    const prove = (code) => client.mfa.verify({ factorType: "otp", mfaToken: signIn.mfaToken, otp: code });
    await assert.rejects(prove(shown(secret, 9)), refused(MfaVerifyError, "invalid_grant", "Invalid otp_code."));
    // The step of the confirmation is used up, so the next one, which is within the window.
    assert.equal((await prove(shown(secret, 1))).claims.sub, user.user_id);

    const totp = (await client.mfa.listAuthenticators({ mfaToken })).find((one) => one.authenticatorType === "otp");
    const remove = (token) => client.mfa.deleteAuthenticator({ authenticatorId: totp.id, mfaToken: token });
    await assert.rejects(remove(early), (error) => error instanceof MfaDeleteAuthenticatorError && error.statusCode === 403);
    await remove(mfaToken);
    await assert.rejects(remove(mfaToken), (error) => error instanceof MfaDeleteAuthenticatorError && error.statusCode === 404);
  });

  test("a recovery code is good once and brings the next; an administrator makes another", async () => {
    const recover = async (code) => {
      const { mfaToken } = await withPassword();
      return client.mfa.verify({ factorType: "recovery-code", mfaToken, recoveryCode: code });
    };
    const wrong = refused(MfaVerifyError, "invalid_grant", "Invalid recovery_code.");
    const tokens = await recover(recoveryCode);
    assert.match(tokens.recoveryCode, /^[0-9A-Z]{24}$/);
    await assert.rejects(recover(recoveryCode), wrong);
    const { recovery_code: made } = await management.users.regenerateRecoveryCode(user.user_id);
    await assert.rejects(recover(tokens.recoveryCode), wrong);
    assert.equal((await recover(made)).claims.sub, user.user_id);
  });

  test("a code by SMS as the first factor, and a refresh token of before, are asked for one too", async () => {
    const phoneNumber = world.newNumber();
    const signIn = async () => {
      await client.passwordless.sendSms({ phoneNumber });
      const code = world.codeFor(story.gateway, phoneNumber);
      return client.getTokenByPasswordlessSms({ phoneNumber, code, scope: "openid offline_access" });
    };
    await guardian.policies.set([]);
    const { refreshToken } = await signIn();
    await guardian.policies.set(["all-applications"]);
    const first = await demanded(signIn(), PasswordlessVerifyError);
    assert.deepEqual(types(first.requirements.enroll), ["phone", "otp"]);
    await demanded(client.getTokenByRefreshToken({ refreshToken }), TokenByRefreshTokenError);
  });

  test("without an account at Twilio the built-in sender does, and node-auth0 of before can be told the rest", async () => {
    await guardian.factors.phone.setProvider({ provider: "auth0" });
    const { client_id, client_secret } = story.application;
    const legacy = new AuthenticationClient({ domain: settings.domain, clientId: client_id, clientSecret: client_secret });
    const error = await legacy.oauth.passwordGrant({ ...ann, scope: "openid" }).catch((refusal) => refusal);
    assert.deepEqual([error.name, error.statusCode, error.error], ["AuthApiError", 403, "mfa_required"]);
    const { mfa_token } = JSON.parse(error.body);

    // It has no calls for what comes next.
    const call = async (path, fields) => {
      const body = new URLSearchParams({ client_id, client_secret, mfa_token, ...fields });
      const answer = await fetch(`${settings.issuer}${path}`, { method: "POST", body });
      assert.equal(answer.status, 200);
      return answer.json();
    };
    const { oob_code } = await call("mfa/challenge", { challenge_type: "oob" });
    const inbox = await (await fetch(`${settings.http_url}/dev/messages`)).json();
    const binding_code = inbox.find((message) => message.recipient === number).body.match(/\d{6}/)[0];
    const tokens = await call("oauth/token", { grant_type: MFA_GRANTS[0], oob_code, binding_code });
    assert.equal(decodeJwt(tokens.id_token).sub, user.user_id);
    await guardian.factors.phone.setProvider({ provider: "twilio" });
  });

  test("the administrator sees it all, takes the phone away, and the next sign-in enrols again", async () => {
    const { data: methods } = await management.users.authenticationMethods.list(user.user_id);
    assert.deepEqual(types(methods).sort(), ["phone", "recovery-code"]);
    const phone = methods.find(({ type }) => type === "phone");
    assert.deepEqual([phone.phone_number, phone.confirmed], [number, true]);
    const [enrollment] = await management.users.enrollments.get(user.user_id);
    assert.equal((await guardian.enrollments.get(enrollment.id)).status, "confirmed");

    const { data: log } = await management.users.logs.list(user.user_id, { per_page: 100 });
    const kinds = new Set(types(log));
    const expected = ["mfar", "gd_start_enroll", "gd_send_sms_failure", "gd_send_sms", "gd_send_voice"];
    expected.push("gd_enrollment_complete", "gd_start_auth", "gd_auth_succeed", "gd_auth_failed", "gd_recovery_succeed");
    expected.push("gd_recovery_failed", "gd_unenroll", "seoobft", "feoobft", "seotpft", "feotpft", "sercft", "fercft");
    assert.deepEqual(expected.filter((kind) => !kinds.has(kind)), []);

    await guardian.enrollments.delete(enrollment.id);
    const { requirements } = await withPassword();
    assert.deepEqual(types(requirements.enroll), ["phone", "otp"]);
  });
});
