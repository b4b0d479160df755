// Who may do what through `auth0`: roles, permissions, and the tokens that carry them; a linked number signs in its user.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AuthenticationClient } from "auth0-legacy";
import { decodeJwt } from "jose";
import * as world from "./world.mjs";

const { management, settings } = world;

/** Every item of every page. */
async function all(page) {
  const items = [];
  for await (const item of await page) items.push(item);
  return items;
}

describe("roles and identities", () => {
  const number = world.newNumber();
  let story;
  let client;
  let user;
  let role;

  before(async () => {
    story = await world.setUp();
    const { client_id: clientId, client_secret: clientSecret } = story.application;
    client = new AuthenticationClient({ domain: settings.domain, clientId, clientSecret });
    user = await management.users.create({ connection: "sms", phone_number: number });
    await management.resourceServers.update(story.api.id, {
      enforce_policies: true,
      token_dialect: "access_token_authz",
      scopes: [
        { value: "read:messages", description: "Read messages" },
        { value: "write:messages", description: "Write messages" },
      ],
    });
  });
  after(() => story.gateway.close());

  const permission = (name) => ({ resource_server_identifier: story.api.identifier, permission_name: name });

  async function permissionsInToken(phone_number) {
    await client.passwordless.sendSMS({ phone_number });
    const code = world.codeFor(story.gateway, phone_number);
    const wishes = { scope: "openid read:messages write:messages", audience: story.api.identifier };
    const { data } = await client.passwordless.loginWithSMS({ phone_number, code, ...wishes });
    const { sub, permissions } = decodeJwt(data.access_token);
    assert.equal(sub, user.user_id);
    return permissions.toSorted();
  }

  test("without a role there is no permission", async () => {
    assert.deepEqual(await permissionsInToken(number), []);
  });

  test("a role gives its permissions to whoever has it", async () => {
    const name = `Reader ${number}`;
    role = await management.roles.create({ name, description: "Reads" });
    await management.roles.permissions.add(role.id, { permissions: [permission("read:messages")] });
    await management.users.roles.assign(user.user_id, { roles: [role.id] });

    assert.deepEqual((await all(management.users.roles.list(user.user_id))).map((each) => each.name), [name]);
    assert.deepEqual((await all(management.roles.users.list(role.id))).map((each) => each.user_id), [user.user_id]);
    assert.deepEqual(await permissionsInToken(number), ["read:messages"]);
  });

  test("a permission of one's own adds to them", async () => {
    await management.users.permissions.create(user.user_id, { permissions: [permission("write:messages")] });
    const [own] = await all(management.users.permissions.list(user.user_id));
    assert.equal(own.resource_server_name, "Messages");
    assert.deepEqual(await permissionsInToken(number), ["read:messages", "write:messages"]);
  });

  test("a second number that is linked signs in the same user", async () => {
    const second = await management.users.create({ connection: "sms", phone_number: world.newNumber() });
    const [provider, id] = second.user_id.split("|");
    const identities = await management.users.identities.link(user.user_id, { provider, user_id: id });
    assert.equal(identities.length, 2);
    assert.deepEqual(await permissionsInToken(second.phone_number), ["read:messages", "write:messages"]);
    await management.users.identities.delete(user.user_id, provider, id);
    assert.equal((await management.users.get(second.user_id)).phone_number, second.phone_number);
  });

  test("what is taken away is gone from the next token", async () => {
    await management.users.permissions.delete(user.user_id, { permissions: [permission("write:messages")] });
    await management.users.roles.delete(user.user_id, { roles: [role.id] });
    await management.roles.delete(role.id);
    assert.deepEqual(await permissionsInToken(number), []);
  });
});
