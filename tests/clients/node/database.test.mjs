// A database of passwords through `auth0-legacy`: sign-up, sign-in, and a link to choose a new password.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe, test } from "node:test";
import { AuthenticationClient } from "auth0-legacy";
import { management, settings } from "./world.mjs";

const REALM_GRANT = "http://auth0.com/oauth/grant-type/password-realm";

describe("a database", () => {
  const realm = `users-${randomBytes(4).toString("hex")}`;
  const password = "Correct horse battery 1";
  let client;
  let connection;

  before(async () => {
    connection = await management.connections.create({ name: realm, strategy: "auth0" });
    const application = await management.clients.create({
      name: "An application with passwords",
      app_type: "regular_web",
      grant_types: ["password", REALM_GRANT],
    });
    await management.connections.clients.update(connection.id, [{ client_id: application.client_id, status: true }]);
    const { client_id: clientId, client_secret: clientSecret } = application;
    client = new AuthenticationClient({ domain: settings.domain, clientId, clientSecret });
  });

  const newAddress = () => `${randomBytes(4).toString("hex")}@example.org`;
  const signUp = async (email, more = {}) =>
    (await client.database.signUp({ connection: realm, email, password, ...more })).data;

  test("a person signs up and signs in", async () => {
    const email = newAddress();
    const user = await signUp(email, { given_name: "Ann", user_metadata: { plan: "silver" } });
    assert.match(user._id, /^[0-9a-f]{24}$/);
    assert.deepEqual([user.email, user.email_verified, user.given_name], [email, false, "Ann"]);

    const tokens = (await client.oauth.passwordGrant({ username: email, password, realm, scope: "openid" })).data;
    assert.equal(tokens.token_type, "Bearer");
    const stored = await management.users.get(`auth0|${user._id}`);
    assert.deepEqual([stored.logins_count, stored.user_metadata], [1, { plan: "silver" }]);
  });

  test("a taken address is refused without saying so", async () => {
    const email = newAddress();
    await signUp(email);
    await assert.rejects(signUp(email), { statusCode: 400, error: "invalid_signup", error_description: "Invalid sign up" });
  });

  test("a weak password is refused with its rules", async () => {
    await assert.rejects(signUp(newAddress(), { password: "weak" }), (error) => {
      const body = JSON.parse(error.body);
      assert.equal(error.statusCode, 400);
      assert.deepEqual([body.code, body.name], ["invalid_password", "PasswordStrengthError"]);
      assert.deepEqual(body.description.rules[0].format, [8]);
      return true;
    });
  });

  test("a wrong password is refused", async () => {
    const email = newAddress();
    await signUp(email);
    await assert.rejects(client.oauth.passwordGrant({ username: email, password: "wrong", realm }), {
      statusCode: 403,
      error: "invalid_grant",
      error_description: "Wrong email or password.",
    });
  });

  test("whoever forgot a password gets the same answer as whoever has none", async () => {
    const email = newAddress();
    await signUp(email);
    for (const address of [email, newAddress()]) {
      const answer = await client.database.changePassword({ connection: realm, email: address });
      assert.equal(answer.data, "We've just sent you an email to reset your password.");
    }
  });

  test("an administrator makes links", async () => {
    const { _id } = await signUp(newAddress());
    const user = { user_id: `auth0|${_id}` };
    const change = await management.tickets.changePassword({ ...user, ttl_sec: 3600 });
    assert.ok(change.ticket.startsWith(`${settings.issuer}u/reset-verify?ticket=`), change.ticket);
    const verify = await management.tickets.verifyEmail(user);
    assert.ok(verify.ticket.startsWith(`${settings.issuer}u/email-verification?ticket=`), verify.ticket);
  });
});
