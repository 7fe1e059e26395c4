import { deepStrictEqual } from "node:assert/strict";
import type { Filter, Metadata, Store } from "../stores/index.ts";
import { Random } from "./random.ts";
import type { StoreCaseTable } from "./store-case-table.ts";
import { randomDocument, randomFilter } from "./store-documents.ts";
import { isRefused, StoreOracle } from "./store-oracle.ts";

const json = (text: string) => JSON.parse(text) as Metadata;

async function fill(store: Store, documents: Readonly<Record<string, Metadata>>): Promise<void> {
  await store.upsert(
    Object.entries(documents).map(([id, metadata]) => ({ id, text: "", metadata, vectors: {} })),
  );
}

async function passing(store: Store, filter: unknown): Promise<string> {
  const ids: string[] = [];
  for await (const { id } of store.iterate({ filter: filter as Filter })) ids.push(id);
  return ids.join("");
}

/** Compares with a table of filters and the ids that pass; operators that the store lacks are left out. */
async function compare(
  store: Store,
  documents: Readonly<Record<string, Metadata>>,
  table: readonly (readonly [filter: Filter, ids: string])[],
): Promise<void> {
  await fill(store, documents);
  for (const [filter, ids] of table) {
    const used = JSON.stringify(filter).match(/\$[a-z]+/g) ?? ["$eq"];
    if (!used.every((operator) => store.capabilities.filters.has(operator))) continue;
    deepStrictEqual([await passing(store, filter), filter], [ids, filter]);
  }
}

/** Filters mean what they say. */
export const filterCases: StoreCaseTable = {
  async "compares within a type only"(store) {
    await compare(
      store,
      { a: { v: 1 }, b: { v: "1" }, c: { v: true }, d: { v: null }, e: {}, f: { v: 10 }, g: { v: "é" } },
      [
        [{ v: 1 }, "a"],
        [{ v: "1" }, "b"],
        [{ v: true }, "c"],
        [{ v: null }, "d"],
        [{ v: { $ne: 1 } }, "bcdefg"],
        [{ v: { $ne: null } }, "abcefg"],
        [{ v: { $gt: 0 } }, "af"],
        [{ v: { $gte: 2 } }, "f"],
        [{ v: { $lt: 10 } }, "a"],
        [{ v: { $lte: 10 } }, "af"],
        [{ v: { $gt: "0" } }, "bg"],
        [{ v: { $lt: "2" } }, "b"],
        [{ v: { $in: [1, "é", null] } }, "adg"],
        [{ v: { $in: [] } }, ""],
        [{ v: { $nin: [1, "é", null] } }, "bcef"],
        [{ v: { $nin: [] } }, "abcdefg"],
        [{ v: { $exists: true } }, "abcdfg"],
        [{ v: { $exists: false } }, "e"],
      ],
    );
  },

  async "orders strings by UTF-16 code units"(store) {
    await compare(
      store,
      {
        a: { v: "Z" },
        b: { v: "a" },
        c: { v: "é" },
        d: { v: "\u{1f600}" },
        e: { v: "\uff5a" },
        f: { v: "" },
      },
      [
        [{ v: { $lt: "a" } }, "af"],
        [{ v: { $gt: "a" } }, "cde"],
        [{ v: { $gte: "\uff5a" } }, "e"],
        [{ v: { $lt: "\uff5a" } }, "abcdf"],
      ],
    );
  },

  async "looks at the elements of an array"(store) {
    await compare(
      store,
      {
        a: { v: ["red", 5] },
        b: { v: [] },
        c: { v: "red" },
        d: { v: [["red"]] },
        e: { v: [1, 9] },
        f: { v: [{ name: "red" }] },
        g: { v: [null] },
      },
      [
        [{ v: "red" }, "ac"],
        [{ v: { $ne: "red" } }, "bdefg"],
        [{ v: { $in: ["red", 9] } }, "ace"],
        [{ v: { $nin: ["red", 9] } }, "bdfg"],
        [{ v: { $gt: 3, $lt: 6 } }, "ae"],
        [{ v: { $gt: 5 } }, "e"],
        [{ v: null }, "g"],
        [{ v: { $exists: true } }, "abcdefg"],
        [{ "v.name": "red" }, ""],
        [{ "v.0": "red" }, ""],
      ],
    );
  },

  async "follows dots into objects"(store) {
    await compare(
      store,
      {
        a: { v: { name: "Ada", born: { year: 1815 } } },
        b: { v: { name: "Bob" } },
        c: { v: "Ada" },
        d: { "v.name": "Ada" },
        e: { v: { name: ["Ada"] } },
      },
      [
        [{ "v.name": "Ada" }, "ae"],
        [{ "v.born.year": { $lt: 1900 } }, "a"],
        [{ "v.born": { $exists: true } }, "a"],
        [{ "v.name": { $ne: "Ada" } }, "bcd"],
        [{ v: "Ada" }, "c"],
        [{ v: { $exists: true } }, "abce"],
      ],
    );
  },

  async "joins conditions"(store) {
    await compare(store, { a: { x: 1, y: 1 }, b: { x: 1, y: 2 }, c: { x: 2 }, d: {} }, [
      [{}, "abcd"],
      [{ x: 1, y: 2 }, "b"],
      [{ $and: [] }, "abcd"],
      [{ $or: [] }, ""],
      [{ $or: [{ x: { $in: [] } }] }, ""],
      [{ $or: [{ x: { $in: [] } }, { y: { $in: [] } }] }, ""],
      [{ $and: [{ x: { $nin: [] } }] }, "abcd"],
      [{ $not: { $or: [{ x: { $in: [] } }] } }, "abcd"],
      [{ $and: [{ x: 1 }, { y: 1 }] }, "a"],
      [{ $or: [{ x: 2 }, { y: 2 }] }, "bc"],
      [{ $or: [{ x: 2 }, { y: 2 }], y: 2 }, "b"],
      [{ $not: { x: 1 } }, "cd"],
      [{ $not: { x: 1, y: 1 } }, "bcd"],
      [{ $not: {} }, ""],
      [{ $not: { $not: { x: { $gt: 1 } } } }, "c"],
      [{ $and: [{ $or: [{ x: 1 }, { x: 2 }] }, { $not: { y: { $exists: true } } }] }, "c"],
    ]);
  },

  async "treats any name as a field"(store) {
    await fill(store, {
      a: json(
        '{"__proto__": 1, "constructor": "x", "it\'s": 1, "a b": 1, "say \\"hi\\"": 1, "%_": 1, "é": 1}',
      ),
      b: {},
    });
    for (const name of ["constructor", "it's", "a b", 'say "hi"', "%_", "é", "__proto__"]) {
      const filter = { [name]: { $exists: true } };
      deepStrictEqual([name, await passing(store, filter)], [name, "a"]);
    }
    for (const name of ["toString", "hasOwnProperty", "constructor.name", "x' OR '1'='1", "x) OR (1=1"]) {
      const filter = { [name]: { $exists: true } };
      deepStrictEqual([name, await passing(store, filter)], [name, ""]);
    }
  },

  async "treats any value as a value"(store) {
    const values = ["'; DROP TABLE x; --", 'a"b', "a\\b", "%", "_", "*", "$1", "{{x}}", "é", "😀", "a\nb"];
    await fill(store, Object.fromEntries(values.map((v, number) => [`${number}`.padStart(2, "0"), { v }])));
    for (const [number, v] of values.entries()) {
      const id = `${number}`.padStart(2, "0");
      deepStrictEqual([v, await passing(store, { v })], [v, id]);
      if (store.capabilities.filters.has("$in")) {
        deepStrictEqual([v, await passing(store, { v: { $in: [v] } })], [v, id]);
      }
    }
  },

  async "agrees with the evaluator on random filters"(store) {
    const random = new Random(21);
    const oracle = new StoreOracle();
    const documents = Array.from({ length: 60 }, (_, number) => randomDocument(random, `d${number}`));
    oracle.upsert(documents);
    await store.upsert(documents);
    for (let run = 0; run < 300; run++) {
      const filter = randomFilter(random, store.capabilities.filters, 3);
      const expected = oracle.ids(filter);
      deepStrictEqual([await store.count({ filter }), filter], [expected.length, filter]);
      if (run % 5 === 0) deepStrictEqual(await passing(store, filter), expected.join(""));
    }
  },

  async "refuses filters that mean nothing, in every call"(store) {
    await fill(store, { a: { year: 1 } });
    const bad: unknown[] = [
      { year: { $regex: "x" } },
      { $nor: [] },
      { year: undefined },
      { year: Number.NaN },
      { year: { $gt: null } },
      { year: { $in: 1 } },
      { year: {} },
      { $and: {} },
      { author: { name: 1 } },
      { "a..b": 1 },
      [],
      "year = 1",
    ];
    for (const one of bad) {
      const filter = one as Filter;
      await isRefused(store.count({ filter }), "INVALID_FILTER");
      await isRefused(store.delete({ filter }), "INVALID_FILTER");
      await isRefused(passing(store, filter), "INVALID_FILTER");
      await isRefused(store.searchDense("dot", Float32Array.of(1, 0, 0), { filter }), "INVALID_FILTER");
    }
    deepStrictEqual(await passing(store, {}), "a");
  },
};
