import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { MemoryStore } from "@sparse-encoder/core";
import { OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { type AliasSubject, aliasCases } from "../helpers/alias-cases.ts";
import { smallVectors as vectors } from "../helpers/small-documents.ts";

let names = 0;
const nextName = () => `alias_${names++}`;

/** Declares the cases before what they run on is there. */
function describeAliases(what: string, subject: () => AliasSubject): void {
  const late = new Proxy({} as AliasSubject, { get: (_, name) => Reflect.get(subject(), name) });
  describe(`aliases of ${what}`, () => {
    for (const { name, run } of aliasCases(late)) it(name, run, 60_000);
  });
}

const remove = async (url: string) => {
  const answer = await fetch(url, { method: "DELETE" });
  expect(answer.status).toBe(200);
};

const put = async (url: string, body: object) => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "PUT", headers, body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
};

describe("OpenSearchStore on a fake of OpenSearch's documented requests", () => {
  let fake: FakeOpenSearch;
  beforeAll(async () => {
    fake = await FakeOpenSearch.start();
  });
  afterAll(() => fake.stop());

  describeAliases("an index", () => {
    const { url } = fake;
    return {
      nextName,
      open: (index, options) => OpenSearchStore.open({ url, index, refresh: true, ...options }),
      switchAlias: (target) => OpenSearchStore.switchAlias({ url, ...target }),
      drop: (index) => remove(`${url}/${index}`),
      makeOther: (index) => put(`${url}/${index}`, { mappings: { dynamic: false, properties: {} } }),
      badNames: ["A", "a b", "a/b", "_a", "a*", "é", "a".repeat(201)],
    };
  });

  it("refuses an alias with a filter or a routing, and one of several indexes", async () => {
    const { url } = fake;
    await (await OpenSearchStore.open({ url, index: "plain", vectors })).close();
    await OpenSearchStore.switchAlias({ url, alias: "shown", to: "plain" });
    fake.aliasSettings.set("shown", { filter: { term: { terms: "x" } } });
    const opened = OpenSearchStore.open({ url, index: "shown", vectors });
    await expect(opened).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("setting filter"),
    });
  });

  it("has switched if the answer was lost and the next try is refused", async () => {
    const { url } = fake;
    for (const index of ["first", "second"])
      await (await OpenSearchStore.open({ url, index, vectors })).close();
    await OpenSearchStore.switchAlias({ url, alias: "lost", to: "first" });
    fake.losesSwitch = true;
    const { from } = await OpenSearchStore.switchAlias({ url, alias: "lost", to: "second", from: "first" });
    expect([from, fake.aliases.get("lost")]).toEqual(["first", "second"]);
  });
});

describe("QdrantStore on a fake of Qdrant's documented requests", () => {
  let fake: FakeQdrant;
  beforeAll(async () => {
    fake = await FakeQdrant.start();
  });
  afterAll(() => fake.stop());

  describeAliases("a collection", () => {
    const { url } = fake;
    return {
      nextName,
      open: (collection, options) => QdrantStore.open({ url, collection, ...options }),
      switchAlias: (target) => QdrantStore.switchAlias({ url, ...target }),
      drop: (collection) => remove(`${url}/collections/${collection}`),
      makeOther: (collection) => put(`${url}/collections/${collection}`, { vectors: {} }),
      badNames: ["a b", "a/b", "é", "a".repeat(201)],
    };
  });
});

describe("PostgresStore on PGlite", () => {
  let client: PGlite;
  beforeAll(async () => {
    client = await PGlite.create({ dataDir: "memory://", extensions: { vector } });
  });
  afterAll(() => client.close());

  describeAliases("a table", () => ({
    nextName,
    open: (table, options) => PostgresStore.open({ client, table, ...options }),
    switchAlias: (target) => PostgresStore.switchAlias({ client, ...target }),
    drop: (table) => client.query(`DROP TABLE ${table}`),
    makeOther: (table) => client.query(`CREATE TABLE ${table} (id text)`),
    badNames: ["A", "a b", 'a"b', "1a", "é", "a".repeat(41)],
  }));

  it("refuses an alias of a table that is gone", async () => {
    for (const table of ["kept", "dropped"])
      await (await PostgresStore.open({ client, table, vectors })).close();
    await PostgresStore.switchAlias({ client, alias: "dangling", to: "dropped" });
    await client.query("DROP TABLE dropped");
    const opened = PostgresStore.open({ client, table: "dangling", vectors });
    await expect(opened).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringMatching(/'dropped', which is gone.*switchAlias/),
    });
    await PostgresStore.switchAlias({ client, alias: "dangling", to: "kept" });
    await (await PostgresStore.open({ client, table: "dangling", vectors })).close();
  });
});

describe.skipIf(process.platform === "win32")("MemoryStore in folders", () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), "aliases-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  describeAliases("a folder", () => ({
    nextName: () => path.join(root, nextName()),
    open: (folder, options) => MemoryStore.open(folder, options),
    openReader: (folder, options) => MemoryStore.open(folder, { readOnly: true, ...options }),
    switchAlias: (target) => MemoryStore.switchAlias(target),
    drop: (folder) => rm(folder, { recursive: true }),
    makeOther: (folder) => mkdir(folder),
    badNames: [],
    asksServer: false,
  }));

  it("keeps to its folder, writes to it after the switch back, and names a link to nothing", async () => {
    const [alias, one] = [path.join(root, "link"), path.join(root, "one")];
    await (await MemoryStore.open(one)).close();
    await MemoryStore.switchAlias({ alias, to: one });
    await rm(one, { recursive: true });
    await expect(MemoryStore.open(alias)).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("gone"),
    });
  });
});
