// Finding people and events through `auth0`: search, sort, pages. Only its older version reads the log by checkpoint.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { Management } from "auth0";
import { ManagementClient as LegacyClient } from "auth0-legacy";
import * as world from "./world.mjs";

const { management, settings } = world;

describe("users", () => {
  // A mark of their own, so that what other files made does not matter.
  const team = `team-${world.newNumber().slice(1)}`;
  const names = ["Ada", "Ben", "Cleo"];

  before(async () => {
    for (const [index, name] of names.entries()) {
      const made = { connection: "sms", phone_number: world.newNumber(), name, app_metadata: { team, rank: index } };
      await management.users.create(made);
    }
  });

  const found = async (q, more) => {
    const page = await management.users.list({ q, search_engine: "v3", ...more });
    return page.data.map((user) => user.name);
  };

  test("are found by metadata, and sorted", async () => {
    const q = `app_metadata.team:"${team}"`;
    assert.deepEqual(await found(q, { sort: "name:1" }), names);
    assert.deepEqual(await found(q, { sort: "name:-1" }), names.toReversed());
  });

  test("are found by name and kind, by a prefix, a range, and what they are not", async () => {
    const q = (rest) => `app_metadata.team:"${team}" AND ${rest}`;
    assert.deepEqual(await found(q("name:Ada")), ["Ada"]);
    assert.deepEqual(await found(q("name:Cl*")), ["Cleo"]);
    assert.deepEqual(await found(q("NOT name:Ada"), { sort: "name:1" }), ["Ben", "Cleo"]);
    assert.deepEqual(await found(q("app_metadata.rank:[1 TO 2]"), { sort: "name:1" }), ["Ben", "Cleo"]);
    assert.deepEqual(await found(q("identities.connection:sms"), { sort: "name:1" }), names);
    assert.deepEqual(await found(q("(name:Ada OR name:Ben)"), { sort: "name:1" }), ["Ada", "Ben"]);
  });

  test("come in pages that end", async () => {
    const page = await management.users.list({ q: `app_metadata.team:"${team}"`, sort: "name:1", per_page: 2 });
    const seen = [];
    for await (const user of page) seen.push(user.name);
    assert.deepEqual(seen, names);
  });

  test("a search that makes no sense is refused", async () => {
    await assert.rejects(management.users.list({ q: "name:(Ada" }), (error) => {
      assert.ok(error instanceof Management.BadRequestError);
      assert.equal(error.body.errorCode, "invalid_query_string");
      return true;
    });
  });
});

describe("the log", () => {
  test("is read on from the last event by checkpoint, and nothing comes twice", async () => {
    const [newest] = (await management.logs.list({ sort: "date:-1", per_page: 1 })).data;
    const made = [];
    for (const name of ["First", "Second", "Third"]) made.push((await management.clients.create({ name })).client_id);

    const { client_id: clientId, client_secret: clientSecret } = settings.management;
    const legacy = new LegacyClient({ domain: settings.domain, clientId, clientSecret });
    const seen = [];
    let from = newest.log_id;
    for (;;) {
      const { data } = await legacy.logs.getAll({ from, take: 2 });
      if (data.length === 0) break;
      assert.ok(data.length <= 2);
      seen.push(...data);
      from = data.at(-1).log_id;
    }
    const created = seen.filter((event) => event.description === "Create a client");
    assert.deepEqual(created.map((event) => event.details.response.body.client_id), made);
    assert.equal(new Set(seen.map((event) => event.log_id)).size, seen.length);
  });

  test("is searched by type and text", async () => {
    const q = 'type:sapi AND description:"Create a client"';
    const { data } = await management.logs.list({}, { queryParams: { q } });
    assert.ok(data.length >= 3);
    assert.ok(data.every((event) => event.type === "sapi" && event.description === "Create a client"));
  });
});
