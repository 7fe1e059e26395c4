import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { MemoryStore, SparseVector } from "@sparse-encoder/core";
import { OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { temporaryFolder } from "../helpers/adapter-stores.ts";
import { tenantCases } from "../helpers/tenant-cases.ts";

const documentOf = (id: string, text: string) => ({
  id,
  text,
  metadata: { text },
  vectors: { sparse: SparseVector.from({ 1: 1 }, 10) },
});

/** The content of all files of a folder and of the folders in it. */
async function contentOf(folder: string): Promise<string> {
  const parts: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const file = path.join(folder, name);
    if ((await stat(file)).isFile()) parts.push((await readFile(file)).toString("latin1"));
  }
  return parts.join("\n");
}

describe("MemoryStore in a folder", () => {
  const base = temporaryFolder();
  for (const { name, run } of tenantCases(
    (collection, options) => MemoryStore.open(path.join(base, collection), options),
    { sharesEncoders: false },
  )) {
    it(name, run);
  }
});

describe("PostgresStore on PGlite", () => {
  let client: PGlite;
  beforeAll(async () => {
    client = await PGlite.create({ extensions: { vector } });
  });
  afterAll(() => client.close());

  for (const { name, run } of tenantCases((table, options) =>
    PostgresStore.open({ client, table, ...options }),
  )) {
    it(name, run);
  }

  it("takes the longest tenant with the longest id", async () => {
    const tenant = "\uffff".repeat(128);
    await using store = await PostgresStore.open({ client, table: "longest", tenant });
    // Of random letters: an index compresses what repeats.
    const id = Array.from({ length: 1024 }, (_, n) =>
      String.fromCharCode(0x4e00 + ((n * 7919) % 20_000)),
    ).join("");
    await store.upsert([documentOf(id, "")]);
    expect((await store.get([id]))[0]!.id).toBe(id);
  });

  it("reads by the index of a tenant, not the whole table", async () => {
    const table = "planned";
    for (const tenant of ["large", "small"]) {
      await using store = await PostgresStore.open({ client, table, tenant });
      const count = tenant === "large" ? 2000 : 20;
      await store.upsert(Array.from({ length: count }, (_, number) => documentOf(`${number}`, "")));
    }
    await client.query(`ANALYZE ${table}`);
    const statements: string[] = [];
    const watched = new Proxy(client, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name !== "query") return typeof value === "function" ? value.bind(target) : value;
        return (sql: string, values: unknown[]) => {
          statements.push(sql);
          return target.query(`EXPLAIN ${sql}`, values).then(async ({ rows }) => {
            plans.push(rows.map((row) => Object.values(row as object)[0]).join("\n"));
            return target.query(sql, values);
          });
        };
      },
    });
    const plans: string[] = [];
    await using store = await PostgresStore.open({ client: watched, table, tenant: "small" });
    plans.length = 0;
    await store.count();
    await store.get(["1"]);
    for await (const _ of store.iterate()) break;
    await store.searchSparse("sparse", SparseVector.from({ 1: 1 }, 10));
    await store.countDims("sparse", [1]);
    expect(plans).toHaveLength(5);
    for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on planned/);
  });

  it("refuses an index of all tenants, which would miss documents of a small one", async () => {
    const call = PostgresStore.open({ client, tenant: "a", hnsw: { dense: true } });
    await expect(call).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("hnsw and tenant"),
    });
  });

  it("has tables with tenants that a library without them refuses by their version", async () => {
    await (await PostgresStore.open({ client, table: "versions", tenant: "a" })).close();
    const { rows } = await client.query<{ format: string }>(
      "SELECT description->>'format' AS format FROM sparse_encoder_stores WHERE name = 'versions'",
    );
    expect(rows).toEqual([{ format: "2" }]);
  });

  it("keeps an index of numbers by tenant", async () => {
    const filterIndexes = { year: "range", kind: "equality" } as const;
    for (const tenant of ["a", "b"]) {
      await using store = await PostgresStore.open({ client, table: "indexed", tenant, filterIndexes });
      await store.upsert([{ ...documentOf("1", tenant), metadata: { year: 2020, kind: tenant } }]);
      expect(await store.count({ filter: { year: { $gt: 2000 } } })).toBe(1);
      expect(await store.count({ filter: { kind: { $in: ["a", "b"] } } })).toBe(1);
    }
  });
});

describe("tenants of a MemoryStore", () => {
  it("are a name and no more where nothing is kept", async () => {
    await using store = new MemoryStore({ tenant: "acme" });
    await using other = new MemoryStore({ tenant: "other" });
    await store.upsert([documentOf("1", "")]);
    expect(store.tenant).toBe("acme");
    expect([await store.count(), await other.count()]).toEqual([1, 0]);
    expect(() => new MemoryStore({ tenant: "" })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining("tenant") }),
    );
  });

  it("have a folder and a lock each", async () => {
    const folder = temporaryFolder();
    await using acme = await MemoryStore.open(folder, { tenant: "acme" });
    await using other = await MemoryStore.open(folder, { tenant: "../Acme" });
    await acme.upsert([documentOf("1", "of acme")]);
    await other.upsert([documentOf("1", "of another")]);
    const again = MemoryStore.open(folder, { tenant: "acme" });
    await expect(again).rejects.toMatchObject({ code: "STORE_LOCKED" });
    expect(await readdir(folder)).toEqual(["tenants"]);
    expect((await readdir(path.join(folder, "tenants"))).sort()).toEqual(["t-_2e_2e_2f_41cme", "t-acme"]);
  });

  it("are made by many stores at once, none of which is refused", async () => {
    const folder = path.join(temporaryFolder(), "new");
    const stores = await Promise.all(
      Array.from({ length: 12 }, (_, number) => MemoryStore.open(folder, { tenant: `${number}` })),
    );
    expect(new Set(await readdir(path.join(folder, "tenants"))).size).toBe(12);
    await Promise.all(stores.map((store) => store.close()));
  });

  it("are refused in a folder that becomes a store without them meanwhile, and the other way round", async () => {
    for (let round = 0; round < 10; round++) {
      const folder = path.join(temporaryFolder(), "new");
      const [plain, tenant] = await Promise.allSettled([
        MemoryStore.open(folder),
        MemoryStore.open(folder, { tenant: "a" }),
      ]);
      const opened = [plain, tenant].flatMap((result) =>
        result.status === "fulfilled" ? [result.value] : [],
      );
      expect(opened.length).toBeLessThanOrEqual(1);
      for (const result of [plain, tenant]) {
        if (result.status === "rejected") expect(result.reason.code).toMatch(/^STORE_(MISMATCH|LOCKED)$/);
      }
      await Promise.all(opened.map((store) => store.close()));
    }
  });

  it("are read by readers, each its own", async () => {
    const folder = temporaryFolder();
    await using acme = await MemoryStore.open(folder, { tenant: "acme" });
    await acme.upsert([documentOf("1", "of acme")]);
    await using reader = await MemoryStore.open(folder, { tenant: "acme", readOnly: true });
    expect([reader.tenant, await reader.count()]).toEqual(["acme", 1]);
    await acme.upsert([documentOf("2", "of acme")]);
    expect(await reader.refresh()).toBe(true);
    expect(await reader.count()).toBe(2);
    const codeOf = (options: object) =>
      MemoryStore.open(folder, { readOnly: true, ...options }).catch((error: { code: string }) => error.code);
    expect(await codeOf({})).toBe("STORE_MISMATCH");
    expect(await codeOf({ tenant: "nobody" })).toBe("INVALID_ARGUMENT");
    expect(await readdir(path.join(folder, "tenants"))).toEqual(["t-acme"]);
  });

  it("are repaired one by one", async () => {
    const folder = temporaryFolder();
    for (const tenant of ["acme", "other"]) {
      await using store = await MemoryStore.open(folder, { tenant });
      await store.upsert([documentOf("1", `of ${tenant}`)]);
      await store.upsert([documentOf("2", `of ${tenant}`)]);
    }
    const journal = path.join(folder, "tenants", "t-acme", "journal-00000001");
    await truncate(journal, (await stat(journal)).size - 60);
    await expect(MemoryStore.repair(folder)).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("option tenant"),
    });
    await expect(MemoryStore.open(folder, { tenant: "acme" })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
    });
    expect(await MemoryStore.repair(folder, { tenant: "other" })).toMatchObject({
      isSound: true,
      documents: 2,
    });
    const report = await MemoryStore.repair(folder, { tenant: "acme", apply: true });
    expect(report).toMatchObject({ isSound: false, documents: 1, applied: true });
    await using store = await MemoryStore.open(folder, { tenant: "acme" });
    expect(await store.count()).toBe(1);
  });

  it("leave no file with what they held when all of it was deleted", async () => {
    const folder = temporaryFolder();
    const secret = "the one and only sentence";
    for (const tenant of ["acme", undefined]) {
      const place = path.join(folder, tenant ?? "plain");
      await using store = await MemoryStore.open(place, { tenant });
      await store.upsert([documentOf("an id", secret)]);
      await store.close();
      expect(await contentOf(place)).toContain(secret);
      await using again = await MemoryStore.open(place, { tenant });
      expect(await again.delete({ filter: {} })).toBe(1);
      await again.close();
      const left = await contentOf(place);
      for (const part of [secret, "an id"]) expect(left).not.toContain(part);
      await using empty = await MemoryStore.open(place, { tenant });
      expect(await empty.count()).toBe(0);
    }
  });

  it("are no reason to refuse a folder with a file of that name", async () => {
    const folder = temporaryFolder();
    await writeFile(path.join(folder, "tenants"), "");
    await using store = await MemoryStore.open(folder);
    expect(await store.count()).toBe(0);
    await store.close();
    await expect(MemoryStore.open(folder, { tenant: "a" })).rejects.toMatchObject({ code: "STORE_MISMATCH" });
  });
});

describe("QdrantStore on a fake of Qdrant's documented requests", () => {
  let fake: FakeQdrant;
  beforeAll(async () => {
    fake = await FakeQdrant.start();
  });
  afterAll(() => fake.stop());
  for (const { name, run } of tenantCases((collection, options) =>
    QdrantStore.open({ url: fake.url, collection, ...options }),
  )) {
    it(name, run);
  }

  it("refuses a tenant together with a layout", async () => {
    const vectors = { sparse: { kind: "sparse", dimension: 10 } } as const;
    const call = QdrantStore.open({ url: fake.url, tenant: "acme", layout: {}, vectors });
    await expect(call).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("leave tenant out"),
    });
  });
});

describe("OpenSearchStore on a fake of OpenSearch's documented requests", () => {
  let fake: FakeOpenSearch;
  beforeAll(async () => {
    fake = await FakeOpenSearch.start();
  });
  afterAll(() => fake.stop());
  for (const { name, run } of tenantCases((index, options) =>
    OpenSearchStore.open({ url: fake.url, index, ...options }),
  )) {
    it(name, run);
  }
});
