// An application that proves itself with a key of its own instead of a secret, through three of Auth0's libraries.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { AuthClient } from "@auth0/auth0-auth-js";
import { ManagementClient } from "auth0";
import { AuthenticationClient } from "auth0-legacy";
import * as world from "./world.mjs";

const { management, settings } = world;

const pem = (pair) => pair.publicKey.export({ type: "spki", format: "pem" });
const secret = (pair) => pair.privateKey.export({ type: "pkcs8", format: "pem" });

describe("private_key_jwt", () => {
  let story;
  let credential;
  const first = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const second = generateKeyPairSync("rsa", { modulusLength: 3072 });

  const client = (pair, alg) =>
    new AuthClient({
      domain: settings.domain,
      clientId: story.application.client_id,
      clientAssertionSigningKey: secret(pair),
      clientAssertionSigningAlg: alg,
    });

  const attach = (...ids) =>
    management.clients.update(story.application.client_id, {
      client_authentication_methods: { private_key_jwt: { credentials: ids.map((id) => ({ id })) } },
      token_endpoint_auth_method: null,
    });

  async function signIn(auth) {
    const phoneNumber = world.newNumber();
    await auth.passwordless.sendSms({ phoneNumber });
    const code = world.codeFor(story.gateway, phoneNumber);
    return auth.getTokenByPasswordlessSms({ phoneNumber, code, scope: "openid" });
  }

  before(async () => {
    story = await world.setUp();
    credential = await management.clients.credentials.create(story.application.client_id, {
      credential_type: "public_key",
      name: "first",
      pem: pem(first),
    });
    await attach(credential.id);
  });
  after(() => story.gateway.close());

  test("a person signs in", async () => {
    const tokens = await signIn(client(first, "RS256"));
    assert.ok(tokens.idToken);
  });

  test("the older library too, and the secret no longer", async () => {
    const id = { domain: settings.domain, clientId: story.application.client_id };
    const legacy = new AuthenticationClient({ ...id, clientAssertionSigningKey: secret(first) });
    const phone_number = world.newNumber();
    await legacy.passwordless.sendSMS({ phone_number });
    const code = world.codeFor(story.gateway, phone_number);
    const tokens = await legacy.passwordless.loginWithSMS({ phone_number, code, scope: "openid" });
    assert.ok(tokens.data.id_token);
    const bySecret = new AuthenticationClient({ ...id, clientSecret: story.application.client_secret });
    await assert.rejects(bySecret.passwordless.sendSMS({ phone_number }), { statusCode: 401 });
  });

  test("another key takes over without a gap", async () => {
    const next = await management.clients.credentials.create(story.application.client_id, {
      credential_type: "public_key",
      name: "second",
      pem: pem(second),
      alg: "PS256",
    });
    await attach(credential.id, next.id);
    await signIn(client(second, "PS256"));
    await signIn(client(first, "RS256"));
    await attach(next.id);
    await management.clients.credentials.delete(story.application.client_id, credential.id);
    await signIn(client(second, "PS256"));
    await assert.rejects(signIn(client(first, "RS256")));
    const left = await management.clients.credentials.list(story.application.client_id);
    assert.deepEqual(left.map((each) => [each.name, each.alg]), [["second", "PS256"]]);
  });

  test("the Management client proves itself with a key", async () => {
    const machine = await management.clients.create({
      name: "A machine with a key",
      app_type: "non_interactive",
      grant_types: ["client_credentials"],
      client_authentication_methods: {
        private_key_jwt: { credentials: [{ credential_type: "public_key", name: "only", pem: pem(first) }] },
      },
    });
    await management.clientGrants.create({
      client_id: machine.client_id,
      audience: `${settings.issuer}api/v2/`,
      scope: ["read:clients"],
    });
    const itself = new ManagementClient({
      domain: settings.domain,
      clientId: machine.client_id,
      clientAssertionSigningKey: secret(first),
    });
    const found = await itself.clients.get(machine.client_id);
    assert.equal(found.name, "A machine with a key");
  });
});
