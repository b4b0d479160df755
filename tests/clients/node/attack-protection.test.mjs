// Attack protection through `auth0`: a number that somebody guesses at is blocked, seen, and released.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Management } from "auth0";
import { AuthenticationClient } from "auth0-legacy";
import * as world from "./world.mjs";

const { management, settings } = world;

describe("attack protection", () => {
  const number = world.newNumber();
  let story;
  let client;
  let fresh;

  before(async () => {
    story = await world.setUp();
    const { client_id: clientId, client_secret: clientSecret } = story.application;
    client = new AuthenticationClient({ domain: settings.domain, clientId, clientSecret });
    fresh = await management.attackProtection.bruteForceProtection.get();
  });
  after(async () => {
    await management.attackProtection.bruteForceProtection.update(fresh);
    story.gateway.close();
  });

  const redeem = (code) => client.passwordless.loginWithSMS({ phone_number: number, code, scope: "openid" });
  const isBlocked = { statusCode: 429, error: "too_many_attempts" };

  test("starts with the settings of a new tenant, and keeps what is changed", async () => {
    assert.deepEqual(fresh, {
      enabled: true,
      shields: ["block", "user_notification"],
      mode: "count_per_identifier_and_ip",
      allowlist: [],
      max_attempts: 10,
    });
    const changed = { mode: "count_per_identifier", max_attempts: 2 };
    await management.attackProtection.bruteForceProtection.update(changed);
    assert.deepEqual(await management.attackProtection.bruteForceProtection.get(), { ...fresh, ...changed });
  });

  test("blocks the number after two wrong codes, the right one included", async () => {
    await client.passwordless.sendSMS({ phone_number: number });
    const code = world.codeFor(story.gateway, number);
    for (let tries = 0; tries < 2; tries += 1) {
      await assert.rejects(redeem(world.wrong(code)), { statusCode: 403, error: "invalid_grant" });
    }
    await assert.rejects(redeem(code), isBlocked);
    await assert.rejects(client.passwordless.sendSMS({ phone_number: number }), isBlocked);
  });

  test("shows the block, and lifts it", async () => {
    const { blocked_for } = await management.userBlocks.listByIdentifier({ identifier: number });
    assert.deepEqual(blocked_for, [{ identifier: number, connection: "sms" }]);
    await management.userBlocks.deleteByIdentifier({ identifier: number });
    assert.deepEqual((await management.userBlocks.listByIdentifier({ identifier: number })).blocked_for, []);

    await client.passwordless.sendSMS({ phone_number: number });
    const { data } = await redeem(world.codeFor(story.gateway, number));
    assert.equal(data.token_type, "Bearer");
    const types = (await management.logs.list({ sort: "date:-1" })).data.map((event) => event.type);
    for (const type of ["limit_wc", "ublkdu"]) assert.ok(types.includes(type), type);
  });

  test("shows that this address is not throttled", async () => {
    await assert.rejects(management.anomaly.blocks.checkIp("127.0.0.1"), (error) => {
      assert.ok(error instanceof Management.NotFoundError);
      assert.equal(error.body.message, "IP is not blocked");
      return true;
    });
    await management.anomaly.blocks.unblockIp("127.0.0.1");
  });

  test("counts the sign-ins of today", async () => {
    const days = await management.stats.getDaily();
    assert.ok(days.at(-1).logins >= 1 && days.at(-1).signups >= 1, JSON.stringify(days));
    assert.ok((await management.stats.getActiveUsersCount()) >= 1);
  });
});
