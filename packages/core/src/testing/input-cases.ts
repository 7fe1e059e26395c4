import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { DeleteTarget, Store, StoredDocument } from "../stores/index.ts";
import { SparseVector, TRUSTED } from "../vector/index.ts";
import type { StoreCaseTable } from "./store-case-table.ts";
import { sparseVector } from "./store-documents.ts";
import { isRefused, sameDocument } from "./store-oracle.ts";

const good: StoredDocument = {
  id: "good",
  text: "text",
  metadata: { year: 1 },
  vectors: { sparse: sparseVector({ 1: 1 }), dense: Float32Array.of(1, 2, 3, 4, 5) },
};

/** A vector that breaks its rules: no constructor lets it pass, but a cast or a later write does. */
const broken = (indices: number[], values: number[]) =>
  new SparseVector(Uint32Array.from(indices), Float32Array.from(values), 40, TRUSTED);

/** Tries an upsert of a good document and a bad one, which must be refused as a whole. */
async function refuses(
  store: Store,
  bad: unknown,
  ...codes: ("INVALID_DOCUMENT" | "INVALID_VECTOR" | "STORE_MISMATCH")[]
): Promise<void> {
  await isRefused(store.upsert([{ ...good, id: "other" }, bad as StoredDocument]), ...codes);
  strictEqual(await store.count(), 1);
  sameDocument((await store.get(["good"]))[0], good);
}

async function drain(store: Store, options?: Parameters<Store["iterate"]>[0]): Promise<void> {
  for await (const { id } of store.iterate(options)) ok(id);
}

/** Bad input changes nothing, and says so. */
export const inputCases: StoreCaseTable = {
  async "refuses bad ids, texts and metadata, and then stores nothing of the call"(store) {
    await store.upsert([good]);
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const id of ["", "a".repeat(1025), "a".repeat(10_000), "\ud800", 1, null, undefined, {}]) {
      await refuses(store, { ...good, id }, "INVALID_DOCUMENT");
    }
    for (const text of [undefined, null, 1, ["a"]])
      await refuses(store, { ...good, id: "x", text }, "INVALID_DOCUMENT");
    for (const metadata of [
      undefined,
      null,
      [],
      "x",
      new Map(),
      { a: Number.NaN },
      { a: Number.POSITIVE_INFINITY },
      { a: 1n },
      { a: new Date(0) },
      { a: () => 1 },
      { a: [undefined] },
      cycle,
    ]) {
      await refuses(store, { ...good, id: "x", metadata }, "INVALID_DOCUMENT");
    }
    for (const one of [null, "x", 1, []]) await refuses(store, one, "INVALID_DOCUMENT");
    await isRefused(store.upsert({ ...good } as never), "INVALID_DOCUMENT");
  },

  async "refuses an id that comes twice in one call"(store) {
    await store.upsert([good]);
    await refuses(store, { ...good, id: "other" }, "INVALID_DOCUMENT");
  },

  async "refuses bad vectors, and then stores nothing of the call"(store) {
    await store.upsert([good]);
    const withVectors = (vectors: unknown) => ({ ...good, id: "x", vectors });
    for (const vectors of [undefined, null, [], "x"]) {
      await refuses(store, withVectors(vectors), "INVALID_DOCUMENT");
    }
    for (const sparse of [
      null,
      [1, 2],
      { indices: [1], values: [1], dimension: 40 },
      broken([1], [Number.NaN]),
      broken([1], [Number.POSITIVE_INFINITY]),
      broken([1], [0]),
      broken([2, 1], [1, 1]),
      broken([1, 1], [1, 1]),
      broken([40], [1]),
      broken([1, 2], [1]),
    ]) {
      await refuses(store, withVectors({ sparse }), "INVALID_VECTOR");
    }
    for (const values of [[Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]]) {
      await refuses(
        store,
        withVectors({ dense: Float32Array.from([1, 1, 1, 1, ...values]) }),
        "INVALID_VECTOR",
      );
    }
    await refuses(store, withVectors({ dense: new Float32Array(5) }), "INVALID_VECTOR");
  },

  async "refuses vectors of another dimension, kind or name"(store) {
    await store.upsert([good]);
    for (const vectors of [
      { sparse: sparseVector({ 1: 1 }, 41) },
      { dense: Float32Array.of(1, 2, 3, 4) },
      { dense: new Float32Array(0) },
      { sparse: Float32Array.of(1) },
      { dense: sparseVector({ 1: 1 }, 5) },
      { unknown: Float32Array.of(1) },
    ]) {
      await refuses(store, { ...good, id: "x", vectors }, "STORE_MISMATCH");
    }
  },

  async "refuses searches that cannot be meant"(store) {
    await store.upsert([good]);
    const sparse = sparseVector({ 1: 1 });
    const dense = Float32Array.of(1, 2, 3, 4, 5);
    for (const k of [0, -1, 1.5, Number.NaN, "3" as never]) {
      await isRefused(store.searchSparse("sparse", sparse, { k }), "INVALID_ARGUMENT");
      await isRefused(store.searchDense("dense", dense, { k }), "INVALID_ARGUMENT");
    }
    for (const query of [null, [1], "x", dense]) {
      await isRefused(store.searchSparse("sparse", query as never), "INVALID_ARGUMENT");
    }
    for (const query of [null, [1, 2, 3, 4, 5], "x", sparse]) {
      await isRefused(store.searchDense("dense", query as never), "INVALID_ARGUMENT");
    }
    await isRefused(store.searchSparse("sparse", sparseVector({ 1: 1 }, 41)), "INVALID_VECTOR");
    await isRefused(store.searchSparse("sparse", broken([1], [Number.NaN])), "INVALID_VECTOR");
    await isRefused(store.searchDense("dense", Float32Array.of(1, 2, 3, 4)), "INVALID_VECTOR");
    await isRefused(store.searchDense("dense", Float32Array.of(1, 2, 3, 4, Number.NaN)), "INVALID_VECTOR");
    await isRefused(store.searchDense("dense", new Float32Array(5)), "INVALID_VECTOR");
    await isRefused(store.searchSparse("unknown", sparse), "INVALID_ARGUMENT");
    await isRefused(store.searchSparse("dense", sparse), "INVALID_ARGUMENT");
    await isRefused(store.searchDense("sparse", dense), "INVALID_ARGUMENT");
  },

  async "refuses other arguments that cannot be meant"(store) {
    await store.upsert([good]);
    for (const ids of ["good", [""], [1], ["a".repeat(10_000)], null]) {
      await isRefused(store.get(ids as string[]), "INVALID_ARGUMENT");
      await isRefused(store.delete({ ids: ids as string[] }), "INVALID_ARGUMENT");
    }
    for (const target of [undefined, null, {}, ["good"], { ids: ["good"], filter: {} }, { id: "good" }]) {
      await isRefused(store.delete(target as DeleteTarget), "INVALID_ARGUMENT");
    }
    await isRefused(drain(store, { batchSize: 0 }), "INVALID_ARGUMENT");
    await isRefused(drain(store, { after: 1 as never }), "INVALID_ARGUMENT");
    strictEqual(await store.count(), 1);
  },

  async "refuses options that do not exist"(store) {
    const options = { topK: 3 } as object;
    await isRefused(store.upsert([good], options), "UNKNOWN_OPTION");
    await isRefused(store.delete({ ids: ["good"] }, options), "UNKNOWN_OPTION");
    await isRefused(store.get(["good"], options), "UNKNOWN_OPTION");
    await isRefused(store.count(options), "UNKNOWN_OPTION");
    await isRefused(drain(store, options), "UNKNOWN_OPTION");
    await isRefused(store.searchSparse("sparse", sparseVector({ 1: 1 }), options), "UNKNOWN_OPTION");
    await isRefused(store.searchDense("dense", Float32Array.of(1, 2, 3, 4, 5), options), "UNKNOWN_OPTION");
    strictEqual(await store.count(), 0);
  },

  async "refuses signals that are not signals"(store) {
    for (const signal of [5, "x", {}, null] as AbortSignal[]) {
      await isRefused(store.upsert([good], { signal }), "INVALID_ARGUMENT");
      await isRefused(store.delete({ ids: ["good"] }, { signal }), "INVALID_ARGUMENT");
      await isRefused(store.get(["good"], { signal }), "INVALID_ARGUMENT");
      await isRefused(store.count({ signal }), "INVALID_ARGUMENT");
      await isRefused(drain(store, { signal }), "INVALID_ARGUMENT");
      await isRefused(store.searchSparse("sparse", sparseVector({ 1: 1 }), { signal }), "INVALID_ARGUMENT");
      const dense = Float32Array.of(1, 2, 3, 4, 5);
      await isRefused(store.searchDense("dense", dense, { signal }), "INVALID_ARGUMENT");
    }
    strictEqual(await store.count(), 0);
  },

  async "does nothing for a signal that is aborted"(store) {
    const signal = AbortSignal.abort(new Error("enough"));
    await isRefused(store.upsert([good], { signal }), "ABORTED");
    strictEqual(await store.count(), 0);
    await store.upsert([good], { signal: new AbortController().signal });
    await isRefused(store.delete({ ids: ["good"] }, { signal }), "ABORTED");
    await isRefused(store.get(["good"], { signal }), "ABORTED");
    await isRefused(store.count({ signal }), "ABORTED");
    await isRefused(drain(store, { signal }), "ABORTED");
    await isRefused(store.searchSparse("sparse", sparseVector({ 1: 1 }), { signal }), "ABORTED");
    await isRefused(store.searchDense("dense", Float32Array.of(1, 2, 3, 4, 5), { signal }), "ABORTED");
    strictEqual(await store.count(), 1);
  },

  async "stops iterating when its signal is aborted"(store) {
    await store.upsert(Array.from({ length: 10 }, (_, number) => ({ ...good, id: `${number}` })));
    const controller = new AbortController();
    const found: string[] = [];
    await isRefused(async () => {
      for await (const { id } of store.iterate({ signal: controller.signal, batchSize: 5 })) {
        found.push(id);
        if (found.length === 2) controller.abort();
      }
    }, "ABORTED");
    ok(found.length < 10);
  },

  async "refuses all calls once it is closed, after those under way"(store) {
    const upsert = store.upsert([good]);
    const closing = store.close();
    await upsert;
    await closing;
    await store.close();
    await isRefused(store.upsert([good]), "CLOSED");
    await isRefused(store.delete({ ids: ["good"] }), "CLOSED");
    await isRefused(store.get(["good"]), "CLOSED");
    await isRefused(store.count(), "CLOSED");
    await isRefused(drain(store), "CLOSED");
    await isRefused(store.searchSparse("sparse", sparseVector({ 1: 1 })), "CLOSED");
    await isRefused(store.searchDense("dense", Float32Array.of(1, 2, 3, 4, 5)), "CLOSED");
  },

  async "says what it can do"(store) {
    ok(store.name.length > 0);
    deepStrictEqual([store.capabilities.sparse, store.capabilities.dense], [true, true]);
    strictEqual(typeof store.capabilities.exact, "boolean");
    strictEqual(typeof store.capabilities.durable, "boolean");
    ok(store.capabilities.filters.has("$eq"));
  },
};
