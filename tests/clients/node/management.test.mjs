// The Management API through `auth0`: everything an operator sets up, and what there is to see afterwards.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Management, ManagementClient } from "auth0";
import { AuthenticationClient } from "auth0-legacy";
import { startGateway } from "./gateway.mjs";
import * as world from "./world.mjs";

const { management, settings } = world;

describe("the sms connection", () => {
  let gateway;
  let authentication;
  let connection;

  before(async () => {
    authentication = world.newAuthentication();
    gateway = await startGateway(authentication);
    connection = await world.smsConnection();
  });
  after(() => gateway.close());

  test("is there from the start", () => {
    assert.match(connection.id, /^con_[A-Za-z0-9]{16}$/);
    assert.equal(connection.strategy, "sms");
    assert.equal(connection.options.totp.length, 6);
  });

  test("takes new options whole and gives them back as they were sent", async () => {
    const options = { ...world.gatewayOptions(gateway, authentication), messaging_service_sid: null, house_rule: ["x"] };
    const updated = await management.connections.update(connection.id, { options });
    assert.deepEqual(updated.options, options);
    assert.deepEqual((await management.connections.get(connection.id)).options, options);

    const shorter = world.gatewayOptions(gateway, authentication);
    await management.connections.update(connection.id, { options: shorter });
    assert.deepEqual((await management.connections.get(connection.id)).options, shorter);
  });

  test("keeps the word true apart from the string", async () => {
    const options = { ...world.gatewayOptions(gateway, authentication), forward_req_info: "true" };
    await management.connections.update(connection.id, { options });
    assert.equal((await management.connections.get(connection.id)).options.forward_req_info, "true");
  });

  test("refuses options it could not honour, and names the one", async () => {
    const options = { ...world.gatewayOptions(gateway, authentication), totp: { time_step: 300, length: 40 } };
    await assert.rejects(management.connections.update(connection.id, { options }), (error) => {
      assert.ok(error instanceof Management.BadRequestError);
      assert.equal(error.body.errorCode, "invalid_body");
      assert.match(error.body.message, /options\.totp\.length/);
      return true;
    });
  });

  test("is switched on and off for one client without touching the others", async () => {
    const [one, two] = await Promise.all(["One", "Two"].map((name) => management.clients.create({ name })));
    const enabled = async () => {
      const found = [];
      for await (const client of await management.connections.clients.get(connection.id)) found.push(client.client_id);
      return found;
    };
    const before = await enabled();
    await management.connections.clients.update(connection.id, [{ client_id: one.client_id, status: true }]);
    await management.connections.clients.update(connection.id, [{ client_id: two.client_id, status: true }]);
    assert.deepEqual((await enabled()).toSorted(), [...before, one.client_id, two.client_id].toSorted());

    await management.connections.clients.update(connection.id, [{ client_id: one.client_id, status: false }]);
    assert.deepEqual((await enabled()).toSorted(), [...before, two.client_id].toSorted());
  });

  test("that does not exist is a NotFoundError", async () => {
    await assert.rejects(management.connections.get("con_0000000000000000"), (error) => {
      assert.ok(error instanceof Management.NotFoundError);
      assert.deepEqual(error.body, {
        statusCode: 404,
        error: "Not Found",
        message: "The connection does not exist",
        errorCode: "inexistent_connection",
      });
      return true;
    });
  });
});

describe("an API", () => {
  test("keeps its scopes, and a client grant opens some of them to a machine", async () => {
    const { application, api, gateway } = await world.setUp();
    gateway.close();
    assert.deepEqual((await management.resourceServers.get(api.id)).scopes, [
      { value: "read:messages", description: "Read messages" },
    ]);

    const machine = new AuthenticationClient({
      domain: settings.domain,
      clientId: application.client_id,
      clientSecret: application.client_secret,
    });
    await assert.rejects(machine.oauth.clientCredentialsGrant({ audience: api.identifier }), {
      statusCode: 403,
      error: "access_denied",
    });
    await management.clientGrants.create({
      client_id: application.client_id,
      audience: api.identifier,
      scope: ["read:messages"],
    });
    const { data } = await machine.oauth.clientCredentialsGrant({ audience: api.identifier });
    assert.equal(data.scope, "read:messages");
    assert.equal(data.token_type, "Bearer");
    assert.equal(data.refresh_token, undefined);
  });

  test("cannot be reached with a token that lacks the scope", async () => {
    const { application, gateway } = await world.setUp();
    gateway.close();
    await management.clientGrants.create({
      client_id: application.client_id,
      audience: `${settings.issuer}api/v2/`,
      scope: ["read:connections"],
    });
    const reader = new ManagementClient({
      domain: settings.domain,
      clientId: application.client_id,
      clientSecret: application.client_secret,
    });
    const { data } = await reader.connections.list({ strategy: ["sms"] });
    assert.equal(data[0].name, "sms");
    await assert.rejects(reader.connections.update(data[0].id, { options: {} }), (error) => {
      assert.ok(error instanceof Management.ForbiddenError);
      assert.equal(error.body.message, "Insufficient scope, expected any of: update:connections");
      assert.equal(error.body.errorCode, "insufficient_scope");
      return true;
    });
  });
});

describe("after somebody signed in", () => {
  const number = world.newNumber();
  let story;
  let user;

  before(async () => {
    story = await world.setUp();
    const { application, gateway } = story;
    const client = new AuthenticationClient({
      domain: settings.domain,
      clientId: application.client_id,
      clientSecret: application.client_secret,
    });
    await client.passwordless.sendSMS({ phone_number: number });
    await client.passwordless.loginWithSMS({
      phone_number: number,
      code: world.codeFor(gateway, number),
      scope: "openid",
    });
    // The newest users come first.
    const page = await management.users.list({ sort: "created_at:-1" });
    user = page.data.find((each) => each.phone_number === number);
  });
  after(() => story.gateway.close());

  test("the user is there, with the phone number", async () => {
    assert.match(user.user_id, /^sms\|[0-9a-f]{24}$/);
    assert.equal(user.phone_number, number);
    assert.equal(user.phone_verified, true);
    assert.equal(user.logins_count, 1);
    const [, id] = user.user_id.split("|");
    assert.deepEqual(user.identities, [{ connection: "sms", provider: "sms", user_id: id, isSocial: false }]);
    assert.deepEqual(await management.users.get(user.user_id), user);
  });

  test("the user is found by number, and a search that is not understood is refused", async () => {
    const found = await management.users.list({ q: `phone_number:"${number}" AND identities.connection:"sms"` });
    assert.deepEqual(found.data, [user]);
    await assert.rejects(management.users.list({ q: "phone_number:(" }), (error) => {
      assert.ok(error instanceof Management.BadRequestError);
      assert.equal(error.body.errorCode, "invalid_query_string");
      return true;
    });
  });

  test("the log of the user and a search of the log tell the same", async () => {
    const own = await management.users.logs.list(user.user_id);
    assert.deepEqual(own.data.map((event) => event.type), ["s", "ss"]);
    const found = await management.logs.list({ search: `user:"${number}" type:s` });
    assert.deepEqual(found.data.map((event) => event.log_id), own.data.map((event) => event.log_id));
  });

  test("the user can be changed: metadata merges one level deep", async () => {
    await management.users.update(user.user_id, { user_metadata: { colour: "blue", size: 4 }, app_metadata: { plan: "a" } });
    const changed = await management.users.update(user.user_id, { user_metadata: { colour: null, shape: { round: true } } });
    assert.deepEqual(changed.user_metadata, { size: 4, shape: { round: true } });
    assert.deepEqual(changed.app_metadata, { plan: "a" });
  });

  test("the logs tell the story: code sent, sign-up, login", async () => {
    const told = [];
    for await (const event of await management.logs.list({ sort: "date:1" })) {
      if (event.client_id === story.application.client_id && ["cs", "ss", "s"].includes(event.type)) told.push(event);
    }
    assert.deepEqual(told.map((event) => event.type), ["cs", "ss", "s"]);
    for (const event of told) {
      assert.equal(event.connection, "sms");
      assert.equal(event.client_name, "A phone application");
    }
    assert.equal(told[2].user_id, user.user_id);
    assert.equal(told[2].user_name, number);
    assert.deepEqual(await management.logs.get(told[0].log_id), told[0]);
  });

  test("every secret change is in the logs, and no secret is", async () => {
    const connection = await world.smsConnection();
    await management.connections.update(connection.id, { options: connection.options });
    const page = await management.logs.list({}, { queryParams: { q: "type:sapi" } });
    assert.ok(page.data.length > 0);
    const { secret } = connection.options.gateway_authentication;
    assert.ok(!JSON.stringify(page.data).includes(secret));
    assert.ok(!JSON.stringify(page.data).includes(story.application.client_secret));
  });

  test("the user can be deleted, and is gone", async () => {
    await management.users.delete(user.user_id);
    await assert.rejects(management.users.get(user.user_id), (error) => {
      assert.ok(error instanceof Management.NotFoundError);
      assert.equal(error.body.errorCode, "inexistent_user");
      return true;
    });
  });
});

test("a rotated client secret replaces the old one", async () => {
  const { application, api, gateway } = await world.setUp();
  gateway.close();
  await management.clientGrants.create({ client_id: application.client_id, audience: api.identifier, scope: [] });
  const tokenWith = (clientSecret) =>
    new AuthenticationClient({
      domain: settings.domain,
      clientId: application.client_id,
      clientSecret,
    }).oauth.clientCredentialsGrant({ audience: api.identifier });

  await tokenWith(application.client_secret);
  const rotated = await management.clients.rotateSecret(application.client_id);
  assert.notEqual(rotated.client_secret, application.client_secret);
  assert.equal((await management.clients.get(application.client_id)).client_secret, rotated.client_secret);
  await tokenWith(rotated.client_secret);
  await assert.rejects(tokenWith(application.client_secret), {
    name: "AuthApiError",
    statusCode: 401,
    error: "access_denied",
    error_description: "Unauthorized",
  });
});
