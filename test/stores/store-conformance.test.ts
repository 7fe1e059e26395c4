import {
  MemoryStore,
  rrf,
  SparseEncoderError,
  type Store,
  type StoredDocument,
  type StoreHit,
  type VectorSchema,
} from "@sparse-encoder/core";
import { storeConformance } from "@sparse-encoder/core/testing";
import { describe, expect, it } from "vitest";

/** A memory store with some methods replaced. */
function brokenStore(vectors: VectorSchema, broken: (store: MemoryStore) => object): Store {
  const store = new MemoryStore({ vectors });
  const replaced = broken(store);
  return new Proxy(store, {
    get(_, name) {
      const value: unknown = Reflect.get(name in replaced ? replaced : store, name);
      return typeof value === "function" ? value.bind(name in replaced ? replaced : store) : value;
    },
  });
}

async function allOf(documents: AsyncIterable<StoredDocument>): Promise<StoredDocument[]> {
  const all: StoredDocument[] = [];
  for await (const one of documents) all.push(one);
  return all;
}

type Arguments<Method extends (...all: never[]) => unknown> = Parameters<Method>;

/** Faults that backends really have, and what each does. */
const faults: Record<string, (store: MemoryStore) => object> = {
  "counts what it deletes by the ids it was given": (store) => ({
    delete: async (...all: Arguments<Store["delete"]>) => {
      const deleted = await store.delete(...all);
      return "ids" in all[0] ? all[0].ids.length : deleted;
    },
  }),
  "keeps the vectors of a replaced document": (store) => ({
    upsert: async (documents: StoredDocument[], options: object) => {
      if (!Array.isArray(documents)) return store.upsert(documents, options);
      const old = await store.get(documents.map((one) => one.id)).catch(() => []);
      const merged = documents.map((one, position) =>
        typeof one?.vectors === "object" && one.vectors !== null && !Array.isArray(one.vectors)
          ? { ...one, vectors: { ...old[position]?.vectors, ...one.vectors } }
          : one,
      );
      return store.upsert(merged, options);
    },
  }),
  "stores the documents before a bad one": (store) => ({
    upsert: async (documents: StoredDocument[], options: object) => {
      if (!Array.isArray(documents)) return store.upsert(documents, options);
      for (const one of documents) await store.upsert([one], options);
    },
  }),
  "filters the best k rather than finding the best k that pass": (store) => ({
    searchSparse: async (...[vector, query, options = {}]: Arguments<Store["searchSparse"]>) => {
      const { filter, ...rest } = options;
      const hits = await store.searchSparse(vector, query, rest);
      if (filter === undefined) return hits;
      const passing = new Set<string>();
      for await (const { id } of store.iterate({ filter })) passing.add(id);
      return hits.filter(({ id }) => passing.has(id));
    },
  }),
  "breaks ties by the larger id": (store) => ({
    searchSparse: async (...all: Arguments<Store["searchSparse"]>) => {
      const hits = await store.searchSparse(...all);
      return hits.toSorted((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1));
    },
  }),
  "drops hits that are not above zero": (store) => ({
    searchSparse: async (...all: Arguments<Store["searchSparse"]>) =>
      (await store.searchSparse(...all)).filter(({ score }: StoreHit) => score > 0),
  }),
  "gives distances where larger is farther": (store) => ({
    searchDense: async (...all: Arguments<Store["searchDense"]>) => {
      const hits = await store.searchDense(...all);
      return all[0] === "euclidean" ? hits.map((hit) => ({ ...hit, score: -hit.score })) : hits;
    },
  }),
  "finds documents by an empty query": (store) => ({
    searchSparse: async (...[vector, query, options]: Arguments<Store["searchSparse"]>) => {
      const hits = await store.searchSparse(vector, query, options);
      if (query.indices.length > 0) return hits;
      const [first] = await allOf(store.iterate());
      return first === undefined ? [] : [{ ...first, score: 0 }];
    },
  }),
  "iterates from the given id on": (store) => ({
    async *iterate(options: Arguments<Store["iterate"]>[0] = {}) {
      const [first] = await store.get(
        typeof options.after === "string" && options.after !== "" ? [options.after] : [],
      );
      if (first !== undefined) yield first;
      yield* store.iterate(options);
    },
  }),
  "sorts ids by the rules of a language": (store) => ({
    async *iterate(options: Arguments<Store["iterate"]>[0] = {}) {
      const all = await allOf(store.iterate(options));
      yield* all.toSorted((a, b) => a.id.localeCompare(b.id, "en"));
    },
  }),
  "folds ids to one form of Unicode": (store) => ({
    upsert: async (documents: StoredDocument[], options: object) =>
      store.upsert(
        Array.isArray(documents)
          ? documents.map((one) =>
              typeof one?.id === "string" ? { ...one, id: one.id.normalize("NFC") } : one,
            )
          : documents,
        options,
      ),
  }),
  "ignores signals": (store) => ({
    count: async (options: object = {}) => store.count({ ...options, signal: undefined }),
  }),
  "ignores unknown options": (store) => ({
    count: async ({ filter }: { filter?: object } = {}) =>
      store.count(filter === undefined ? {} : { filter: filter as never }),
  }),
  "takes a missing field for null": (store) => ({
    count: async (options: { filter?: object } = {}) => {
      const text = JSON.stringify(options.filter) ?? "";
      return text.includes("null") && !text.includes("$") ? store.count() : store.count(options as object);
    },
    async *iterate(options: Arguments<Store["iterate"]>[0] = {}) {
      const filter = options.filter as Record<string, unknown> | undefined;
      const isNull = filter !== undefined && Object.values(filter).length === 1 && filter.v === null;
      yield* store.iterate(
        isNull ? { ...options, filter: { $or: [{ v: null }, { v: { $exists: false } }] } } : options,
      );
    },
  }),
  "counts the ranks of its fusion from 0": (store) => ({
    capabilities: { ...store.capabilities, nativeFusions: new Set(["rrf"]) },
    searchHybrid: async (...[searches, options]: Arguments<NonNullable<Store["searchHybrid"]>>) => {
      const rankings: Record<string, StoreHit[]> = {};
      for (const { vector, query, k = 100, filter } of searches) {
        rankings[vector] =
          query instanceof Float32Array
            ? await store.searchDense(vector, query, { k, filter })
            : await store.searchSparse(vector, query, { k, filter });
      }
      const hits = new Map(
        Object.values(rankings)
          .flat()
          .map((hit) => [hit.id, hit]),
      );
      const { k = 60 } = options.fusion;
      return rrf({ k: k - 1 })(rankings)
        .slice(0, options.k)
        .map(({ id, score }) => ({ ...hits.get(id)!, score }));
    },
  }),
  "answers after it was closed": (store) => {
    const open = new MemoryStore();
    return {
      count: (options: object) =>
        store.count(options).catch((error: unknown) => {
          if (SparseEncoderError.is(error, "CLOSED")) return open.count();
          throw error;
        }),
    };
  },
};

describe("the conformance suite", () => {
  it("has no two cases of one name", () => {
    const names = storeConformance(async (vectors) => new MemoryStore({ vectors })).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(40);
  });

  it.each(Object.keys(faults))("fails a store that %s", async (name) => {
    const failed: string[] = [];
    for (const one of storeConformance(async (vectors) => brokenStore(vectors, faults[name]!))) {
      await one.run().catch((error: Error) => {
        // A broken promise, not a broken test.
        expect(["AssertionError", "SparseEncoderError"], `${one.name}: ${error.stack}`).toContain(error.name);
        failed.push(one.name);
      });
    }
    expect(failed).not.toEqual([]);
    // Most of what the suite says is not about this fault.
    expect(failed.length).toBeLessThan(25);
  });

  it("wants an empty store", async () => {
    const store = new MemoryStore();
    await store.upsert([{ id: "a", text: "", metadata: {}, vectors: {} }]);
    const [first] = storeConformance(async () => store);
    await expect(first!.run()).rejects.toThrow("must be empty");
  });
});
