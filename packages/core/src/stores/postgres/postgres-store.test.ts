import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SparseEncoderError } from "../../errors.ts";
import { storeConformance } from "../../testing/index.ts";
import { SparseVector } from "../../vector/index.ts";
import type { PostgresStoreOptions } from "./postgres-options.ts";
import { PostgresStore } from "./postgres-store.ts";

let client: PGlite;
let tables = 0;
const nextTable = () => `t${tables++}`;

beforeAll(async () => {
  // Starting one takes seconds; tables of their own keep the cases apart.
  client = await PGlite.create({ extensions: { vector } });
});

afterAll(() => client.close());

const vectors = {
  sparse: { kind: "sparse", dimension: 3000 },
  dense: { kind: "dense", dimension: 2 },
} as const;

const open = (options: PostgresStoreOptions = {}) =>
  PostgresStore.open({ client, table: nextTable(), vectors, ...options });

const document = (id: string, weights: Record<number, number> = { 1: 1 }, metadata = {}) => ({
  id,
  text: `text of ${id}`,
  metadata,
  vectors: { sparse: SparseVector.from(weights, 3000), dense: Float32Array.of(1, weights[1] ?? 0) },
});

async function failureOf(call: Promise<unknown>): Promise<SparseEncoderError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!SparseEncoderError.is(error)) throw error ?? new Error("it did not fail");
  return error;
}

describe("PostgresStore on PGlite", () => {
  for (const { name, run } of storeConformance((given) =>
    PostgresStore.open({ client, table: nextTable(), vectors: given }),
  )) {
    it(name, run);
  }
});

describe("PostgresStore", () => {
  it("keeps a folder from one process to the next, and to one at a time", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "pglite-"));
    try {
      const first = await PostgresStore.open({ folder, vectors });
      await first.upsert([document("a")]);
      expect((await failureOf(PostgresStore.open({ folder, vectors }))).code).toBe("STORE_LOCKED");
      await first.close();
      const second = await PostgresStore.open({ folder });
      expect(second.capabilities.durable).toBe(true);
      expect((await second.searchSparse("sparse", SparseVector.from({ 1: 2 }, 3000)))[0]).toMatchObject({
        id: "a",
        score: 2,
      });
      await second.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("leaves a client that was given open", async () => {
    const store = await open();
    await store.close();
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  it("refuses a table of others, another model, another dimension, and a newer version", async () => {
    await client.exec(`CREATE TABLE others (id int)`);
    expect((await failureOf(open({ table: "others" }))).code).toBe("STORE_MISMATCH");
    const table = nextTable();
    await (await open({ table, model: "one" })).close();
    const { code, message } = await failureOf(open({ table, model: "two" }));
    expect([code, message]).toEqual(["STORE_MISMATCH", expect.stringContaining("'one'")]);
    const other = { sparse: { kind: "sparse", dimension: 7 } } as const;
    expect((await failureOf(open({ table, vectors: other }))).code).toBe("STORE_MISMATCH");
    await client.query(
      `UPDATE sparse_encoder_stores SET description = jsonb_set(description, '{format}', '99') WHERE name = $1`,
      [table],
    );
    expect((await failureOf(open({ table }))).message).toContain("version 99");
  });

  it("learns names of vectors from documents, where none are declared, as other stores of the table do", async () => {
    const table = nextTable();
    const one = await PostgresStore.open({ client, table });
    const two = await PostgresStore.open({ client, table });
    await one.upsert([document("a")]);
    expect(await two.searchDense("dense", Float32Array.of(1, 1))).toHaveLength(1);
    await two.upsert([{ ...document("b"), vectors: { "Other name": Float32Array.of(1) } }]);
    const mismatch = one.upsert([{ ...document("c"), vectors: { "Other name": Float32Array.of(1, 2) } }]);
    expect((await failureOf(mismatch)).code).toBe("STORE_MISMATCH");
    expect(await one.get(["b"])).toMatchObject([{ vectors: { "Other name": Float32Array.of(1) } }]);
  });

  it("looks for parts in strings as they are, and not in what they are written as", async () => {
    const store = await open();
    const parts = fc.constantFrom(
      "\0",
      "\u001a",
      "\ud800",
      "0",
      "1",
      "a",
      "d8",
      "00",
      "001a",
      ".",
      "\\",
      "(",
      "\n",
      "é",
    );
    const text = fc.array(parts, { maxLength: 6 }).map((words) => words.join(""));
    const value = fc.oneof(text, fc.array(text, { maxLength: 3 }));
    const values = fc.sample(value, { numRuns: 60, seed: 7 });
    await store.upsert(
      values.map((v, number) => ({ id: `${number}`, text: "", metadata: { v }, vectors: {} })),
    );
    for (const part of ["0000", "0", "a", "1a", ...fc.sample(text, { numRuns: 60, seed: 8 })]) {
      const filter = { v: { $contains: part } };
      const expected = values.filter((v) => [v].flat().some((one) => one.includes(part)));
      expect(await store.count({ filter }), JSON.stringify(part)).toBe(expected.length);
    }
  });

  it("refuses filters that are longer than Postgres takes in one statement", async () => {
    const store = await open();
    const path = Array.from({ length: 60 }, (_, level) => `n${level}`).join(".");
    const long = { $or: Array.from({ length: 9_999 }, (_, number) => ({ [path]: number })) };
    const { code, message } = await failureOf(store.count({ filter: long }));
    expect([code, message]).toEqual(["STORE_UNSUPPORTED", expect.stringContaining("characters of SQL")]);
    expect(
      await store.count({ filter: { [path]: { $in: Array.from({ length: 9_999 }, (_, n) => n) } } }),
    ).toBe(0);
  });

  it("keeps NUL, lone surrogates and the escape itself in ids, texts and metadata, and finds them by filter", async () => {
    const store = await open();
    const text = "a\0b\u001ac\ud800";
    await store.upsert([{ id: "i\0d\u001a", text, metadata: { [text]: [text] }, vectors: {} }]);
    expect(await store.get(["i\0d\u001a"])).toEqual([
      { id: "i\0d\u001a", text, metadata: { [text]: [text] }, vectors: {} },
    ]);
    expect(await store.count({ filter: { [text]: text } })).toBe(1);
  });

  it("takes names, values and ids as what they are: nothing of them is SQL", async () => {
    const store = await open({ filterIndexes: { "it's": "equality", 'a"b': "range" } });
    const treacherous = fc.oneof(
      fc.constantFrom(
        "'; DROP TABLE t; --",
        "' OR '1'='1",
        '"',
        "\\",
        "\\'",
        "$1",
        "$$",
        "::text",
        "/*",
        "\u0000'",
        "%s",
      ),
      fc.string({ unit: "binary", minLength: 1, maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(treacherous, treacherous, treacherous, async (id, name, value) => {
        const field = name.replace(/\.|^\$+/g, "_");
        await store.delete({ filter: {} });
        await store.upsert([{ id, text: value, metadata: { [field]: value, n: 1 }, vectors: {} }]);
        expect(await store.count({ filter: { [field]: value } })).toBe(field === "n" ? 0 : 1);
        expect(await store.count({ filter: { [field]: { $gte: value, $in: [value] } } })).toBe(
          field === "n" ? 0 : 1,
        );
        expect(await store.count({ filter: { [field]: `${value}x` } })).toBe(0);
        expect(await store.delete({ ids: [id] })).toBe(1);
      }),
      { numRuns: 150 },
    );
  });

  it.each(['t"; DROP TABLE x; --', "T", "a b", "", "1a", "a".repeat(41), "é", 'x"."y'])(
    "refuses %j as a name of a table or schema",
    async (name) => {
      expect((await failureOf(open({ table: name }))).code).toBe("INVALID_ARGUMENT");
      expect((await failureOf(open({ schema: name }))).code).toBe("INVALID_ARGUMENT");
    },
  );

  it("uses the indexes of fields that are asked for", async () => {
    const table = nextTable();
    const store = await open({ table, filterIndexes: { year: "range", "author.name": "equality" } });
    await store.upsert(
      Array.from({ length: 300 }, (_, n) =>
        document(`${n}`, { 1: 1 }, { year: n, author: { name: `n${n}` } }),
      ),
    );
    // The statements of the store, as the planner sees them where scanning all is not cheaper.
    const plans: string[] = [];
    const watched = {
      transaction: client.transaction.bind(client),
      close: async () => {},
      query: async (sql: string, values?: unknown[]) => {
        const explained = await client.transaction(async (session) => {
          await session.exec("SET LOCAL enable_seqscan = off");
          return session.query(`EXPLAIN ${sql}`, values);
        });
        plans.push(JSON.stringify(explained.rows));
        return client.query(sql, values);
      },
    };
    const again = await PostgresStore.open({ client: watched as never, table });
    expect(await again.count({ filter: { year: { $gte: 297 } } })).toBe(3);
    expect(await again.count({ filter: { "author.name": { $in: ["n1", "n2"] } } })).toBe(2);
    expect(plans[0]).toContain(`${table}_range_`);
    expect(plans[1]).toContain(`${table}_equality_`);
  });

  it("says what was wrong with options", async () => {
    for (const options of [
      {},
      { folder: "x", client },
      { url: "http://x" },
      { folder: "memory://", tls: true },
    ]) {
      expect((await failureOf(PostgresStore.open(options))).code).toBe("INVALID_ARGUMENT");
    }
    expect((await failureOf(open({ retries: -1 }))).code).toBe("INVALID_ARGUMENT");
    expect((await failureOf(open({ hnsw: { unknown: true } }))).code).toBe("INVALID_ARGUMENT");
    expect((await failureOf(open({ tabel: "x" } as object))).code).toBe("UNKNOWN_OPTION");
  });

  it("says that nobody answers at a URL, without its password", async () => {
    const url = "postgres://ada:s3cr%21et@127.0.0.1:1/none";
    const error = await failureOf(PostgresStore.open({ url, retries: 0 }));
    expect(error.code).toBe("STORE_FAILED");
    expect(error.message).toContain("ECONNREFUSED");
    expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toMatch(/s3cr/);
  });
});

describe("PostgresStore with an HNSW index", () => {
  const weights = (count: number, from = 0) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [from + n, 1 + (n % 7)]));

  it("indexes the largest 1,000 weights of longer vectors, keeps them whole, and scores by all", async () => {
    const table = nextTable();
    const store = await open({ table, hnsw: { sparse: true, dense: { m: 8 } } });
    expect(store.capabilities.exact).toBe(false);
    await store.upsert([document("long", weights(1500)), document("short", weights(3, 2000))]);
    const [long] = await store.get(["long"]);
    expect((long!.vectors.sparse as SparseVector).activeDims).toBe(1500);
    const all = SparseVector.from(Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [n, 1])), 3000);
    const expected = Array.from({ length: 1500 }, (_, n) => 1 + (n % 7)).reduce((a, b) => a + b);
    expect(await store.searchSparse("sparse", all)).toMatchObject([{ id: "long", score: expected }]);
    expect(await store.searchDense("dense", Float32Array.of(1, 0))).toHaveLength(2);
    const { rows } = await client.query<{ indexdef: string }>(
      "SELECT indexdef FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%hnsw%'",
      [table],
    );
    expect(rows).toHaveLength(2);
  });

  it("refuses longer vectors if told so, and vectors beyond pgvector's type always", async () => {
    const store = await open({ hnsw: { sparse: { longVectors: "refuse" } } });
    expect((await failureOf(store.upsert([document("long", weights(1001))]))).code).toBe("STORE_UNSUPPORTED");
    await store.upsert([document("fits", weights(1000))]);
    const wide = await open({ vectors: { wide: { kind: "sparse", dimension: 20_000 } } });
    const vector = SparseVector.from(weights(16_001), 20_000);
    const call = wide.upsert([{ ...document("x"), vectors: { wide: vector } }]);
    expect((await failureOf(call)).message).toContain("16000");
  });
});
