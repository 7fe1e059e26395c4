import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Metadata, StoredDocument } from "../stores/index.ts";
import type { SparseVector } from "../vector/index.ts";
import { Random } from "./random.ts";
import type { StoreCaseTable } from "./store-case-table.ts";
import { randomDocument, randomFilter, randomSparse, sparseVector } from "./store-documents.ts";
import { StoreOracle, sameContent, sameDocument, sameHits } from "./store-oracle.ts";

/** Ids that a careless backend breaks on. */
const strangeIds = [
  "a".repeat(1024),
  "é",
  "e\u0301",
  "漢字 かな",
  "😀",
  " leading and trailing ",
  "line\nbreak\ttab",
  "'; DROP TABLE documents; --",
  'quote " and \\ backslash',
  "%_*?[]{}()$1",
  "../../etc/passwd",
  "__proto__",
  "constructor",
  "null",
  "0",
  "-1e3",
  "<script>alert(1)</script>",
  `{"$ne": 1}`,
];

const document = (id: string, weight = 1, metadata: Metadata = {}): StoredDocument => ({
  id,
  text: `text of ${id}`,
  metadata,
  vectors: { sparse: sparseVector({ 3: weight }) },
});

function randomDocuments(random: Random, count: number, prefix = "d"): StoredDocument[] {
  return Array.from({ length: count }, (_, number) => randomDocument(random, `${prefix}${number}`));
}

/** What goes in comes out. */
export const contentCases: StoreCaseTable = {
  async "gives documents back as they were stored"(store) {
    const documents = randomDocuments(new Random(1), 40);
    await store.upsert(documents);
    const found = await store.get(documents.map(({ id }) => id));
    for (const [position, expected] of documents.entries()) sameDocument(found[position], expected);
  },

  async "keeps nested, empty and odd metadata and texts"(store) {
    const metadata = JSON.parse(
      '{"__proto__": {"x": 1}, "constructor": null, "a": [[1, [2]], {}, []], "é 😀": "\\"", "": "", "n": -0.1, "big": 1e300}',
    ) as Metadata;
    const stored = { ...document("a"), text: "é 漢字 😀 \n\t\"'\\ <b>&amp;</b> $1 %s ", metadata };
    const empty = { ...document("b"), text: "", vectors: {} };
    await store.upsert([stored, empty]);
    const [first, second] = await store.get(["a", "b"]);
    sameDocument(first, stored);
    sameDocument(second, empty);
    ok(!("x" in {}), "the prototype of objects must stay as it is");
  },

  async "keeps nothing of the objects it was given"(store) {
    const vector = sparseVector({ 1: 1, 2: 2 });
    const dense = Float32Array.of(1, 2, 3, 4, 5);
    const metadata = { tags: ["a"], author: { name: "Ada" } };
    const given = { id: "a", text: "t", metadata, vectors: { sparse: vector, dense } };
    const done = store.upsert([given]);
    vector.values[0] = 9;
    dense[0] = 9;
    metadata.tags.push("b");
    metadata.author.name = "Eve";
    given.text = "u";
    await done;
    sameDocument((await store.get(["a"]))[0], {
      id: "a",
      text: "t",
      metadata: { tags: ["a"], author: { name: "Ada" } },
      vectors: { sparse: sparseVector({ 1: 1, 2: 2 }), dense: Float32Array.of(1, 2, 3, 4, 5) },
    });
  },

  async "is not changed through what it gives"(store) {
    await store.upsert([
      { ...document("a"), vectors: { dot: Float32Array.of(1, 2, 3), sparse: sparseVector({ 3: 1 }) } },
    ]);
    const [found] = await store.get(["a"]);
    (found!.vectors.dot as Float32Array).fill(7);
    (found!.vectors.sparse as SparseVector).values.fill(7);
    const [again] = await store.get(["a"]);
    deepStrictEqual([...(again!.vectors.dot as Float32Array)], [1, 2, 3]);
    strictEqual((await store.searchSparse("sparse", sparseVector({ 3: 1 })))[0]!.score, 1);
  },

  async "replaces a document whole"(store) {
    const random = new Random(2);
    const oracle = new StoreOracle();
    const documents = randomDocuments(random, 30);
    oracle.upsert(documents);
    await store.upsert(documents);
    await store.upsert([{ id: "d3", text: "new", metadata: { only: 1 }, vectors: {} }]);
    oracle.upsert([{ id: "d3", text: "new", metadata: { only: 1 }, vectors: {} }]);
    await sameContent(store, oracle);
    const query = randomSparse(random, 40, 12);
    sameHits(await store.searchSparse("sparse", query, { k: 50 }), oracle.searchSparse("sparse", query), 50);
    const dense = Float32Array.of(1, -1, 0.5);
    sameHits(await store.searchDense("dot", dense, { k: 50 }), oracle.searchDense("dot", dense, "dot"), 50);
  },

  async "takes an upsert of no documents"(store) {
    await store.upsert([]);
    strictEqual(await store.count(), 0);
  },

  async "takes long, non-ASCII and treacherous ids"(store) {
    await store.upsert(strangeIds.map((id) => document(id)));
    strictEqual(await store.count(), strangeIds.length);
    const found = await store.get(strangeIds);
    for (const [position, id] of strangeIds.entries()) sameDocument(found[position], document(id));
    const iterated: string[] = [];
    for await (const { id } of store.iterate({ batchSize: 4 })) iterated.push(id);
    deepStrictEqual(iterated, strangeIds.toSorted());
    const hits = await store.searchSparse("sparse", sparseVector({ 3: 1 }), { k: 100 });
    deepStrictEqual(
      hits.map(({ id }) => id),
      strangeIds.toSorted(),
    );
    for (const [position, id] of strangeIds.entries()) {
      strictEqual(await store.delete({ ids: [id] }), 1);
      strictEqual(await store.count(), strangeIds.length - position - 1);
    }
  },

  async "gets documents in the order of the ids, undefined for unknown ones"(store) {
    await store.upsert(["a", "b", "c"].map((id) => document(id)));
    const found = await store.get(["c", "none", "a", "c"]);
    deepStrictEqual(
      found.map((one) => one?.id),
      ["c", undefined, "a", "c"],
    );
    deepStrictEqual(await store.get([]), []);
  },

  async "deletes by ids and says how many there were"(store) {
    await store.upsert(["a", "b", "c"].map((id) => document(id)));
    strictEqual(await store.delete({ ids: ["a", "none", "c", "a"] }), 2);
    strictEqual(await store.delete({ ids: ["a"] }), 0);
    strictEqual(await store.delete({ ids: [] }), 0);
    deepStrictEqual(await store.get(["a", "c"]), [undefined, undefined]);
    strictEqual(await store.count(), 1);
    const hits = await store.searchSparse("sparse", sparseVector({ 3: 1 }));
    deepStrictEqual(
      hits.map(({ id }) => id),
      ["b"],
    );
  },

  async "deletes by filter and says how many there were"(store) {
    await store.upsert([1, 2, 3, 4].map((year) => document(`${year}`, year, { year })));
    strictEqual(await store.delete({ filter: { year: { $gt: 2 } } }), 2);
    strictEqual(await store.delete({ filter: { year: { $gt: 2 } } }), 0);
    strictEqual(await store.count(), 2);
    strictEqual(await store.delete({ filter: {} }), 2);
    strictEqual(await store.count(), 0);
  },

  async "iterates in rising order of id and goes on after one"(store) {
    const random = new Random(3);
    const oracle = new StoreOracle();
    const documents = randomDocuments(random, 25);
    oracle.upsert(documents);
    await store.upsert(documents);
    const ids = oracle.ids();
    for (const batchSize of [1, 24, 25, 26, undefined]) {
      for (const position of [-1, 0, 11, 24]) {
        const after = ids[position];
        const options = {
          ...(after === undefined ? {} : { after }),
          ...(batchSize === undefined ? {} : { batchSize }),
        };
        const found: string[] = [];
        for await (const one of store.iterate(options)) {
          sameDocument(one, oracle.documents.get(one.id));
          found.push(one.id);
        }
        deepStrictEqual(found, ids.slice(position + 1));
      }
    }
    const rest: string[] = [];
    // No document has this id: only the order tells what comes after it.
    for await (const { id } of store.iterate({ after: "d1x" })) rest.push(id);
    deepStrictEqual(
      rest,
      ids.filter((id) => id > "d1x"),
    );
  },

  async "iterates and counts what passes a filter"(store) {
    const random = new Random(4);
    const oracle = new StoreOracle();
    const documents = randomDocuments(random, 40);
    oracle.upsert(documents);
    await store.upsert(documents);
    for (let run = 0; run < 30; run++) {
      const filter = randomFilter(random, store.capabilities.filters);
      const ids = oracle.ids(filter);
      strictEqual(await store.count({ filter }), ids.length, JSON.stringify(filter));
      const found: string[] = [];
      for await (const { id } of store.iterate({ filter, batchSize: 7 })) found.push(id);
      deepStrictEqual(found, ids, JSON.stringify(filter));
    }
  },

  async "may be changed while it is iterated"(store) {
    await store.upsert(Array.from({ length: 30 }, (_, number) => document(`${100 + number}`)));
    const found: string[] = [];
    for await (const { id } of store.iterate({ batchSize: 5 })) {
      found.push(id);
      if (found.length === 3) await store.delete({ ids: ["125"] });
      if (found.length === 4) await store.upsert([document("101", 2)]);
    }
    const certain = (id: string) => id !== "125";
    deepStrictEqual(
      found.filter(certain),
      Array.from({ length: 30 }, (_, number) => `${100 + number}`).filter(certain),
    );
  },

  async "takes calls that are under way at once"(store) {
    const random = new Random(5);
    const calls = Array.from({ length: 20 }, (_, call) => randomDocuments(random, 10, `c${call}-`));
    const oracle = new StoreOracle();
    await Promise.all(
      calls.map(async (documents) => {
        await store.upsert(documents);
        // What was resolved is seen.
        sameDocument((await store.get([documents[4]!.id]))[0], documents[4]);
      }),
    );
    for (const documents of calls) oracle.upsert(documents);
    await sameContent(store, oracle);
  },

  async "equals a map over a long random history"(store) {
    const random = new Random(6);
    const oracle = new StoreOracle();
    for (let step = 0; step < 120; step++) {
      const kind = random.below(10);
      if (kind < 6) {
        const ids = random.distinct(1 + random.below(20), 150);
        const documents = ids.map((id) => randomDocument(random, `d${id}`));
        await store.upsert(documents);
        oracle.upsert(documents);
      } else if (kind < 9) {
        const ids = random.distinct(1 + random.below(10), 150).map((id) => `d${id}`);
        const present = ids.filter((id) => oracle.documents.has(id)).length;
        strictEqual(await store.delete({ ids }), present);
        oracle.delete(ids);
      } else {
        const filter = { $and: [randomFilter(random, store.capabilities.filters), { year: 1 }] };
        const ids = oracle.ids(filter);
        strictEqual(await store.delete({ filter }), ids.length, JSON.stringify(filter));
        oracle.delete(ids);
      }
      const query = randomSparse(random, 40, 6);
      sameHits(await store.searchSparse("sparse", query), oracle.searchSparse("sparse", query));
    }
    await sameContent(store, oracle);
  },
};
