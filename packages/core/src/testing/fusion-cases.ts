import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { SparseEncoderError } from "../errors.ts";
import type { HybridSearch, NativeFusion, StoredDocument } from "../stores/index.ts";
import type { StoreCaseTable } from "./store-case-table.ts";
import { sparseVector } from "./store-documents.ts";
import { isRefused } from "./store-oracle.ts";

const count = 30;

/** A document that no other equals in any search: the larger its number, the better the sparse one finds it. */
const numbered = (number: number): StoredDocument => ({
  id: `d${number}`,
  text: `text of ${number}`,
  metadata: { number },
  vectors: { sparse: sparseVector({ 1: number + 1 }), dot: Float32Array.of(shuffled(number), 0, 0) },
});

/** 7 and 30 have no common factor, so each number comes once. */
const shuffled = (number: number) => (7 * number) % count;

const sparse: HybridSearch = { vector: "sparse", query: sparseVector({ 1: 2 }) };
const dot: HybridSearch = { vector: "dot", query: Float32Array.of(1, 0, 0) };

/** Fusion by the engine, where a store has it. */
export const fusionCases: StoreCaseTable = {
  async "fuses by ranks in one call, if it says so"(store) {
    await store.upsert(Array.from({ length: count }, (_, number) => numbered(number)));
    if (store.searchHybrid === undefined || store.capabilities.nativeFusions?.has("rrf") !== true) return;
    const numbers = Array.from({ length: count }, (_, number) => number);
    const scores = new Map<string, number>();
    const add = (ranking: readonly number[]) => {
      for (const [position, number] of ranking.entries())
        scores.set(`d${number}`, (scores.get(`d${number}`) ?? 0) + 1 / (10 + position + 1));
    };
    add(numbers.toReversed().slice(0, 12));
    add(
      numbers
        .filter((number) => number < 25)
        .sort((a, b) => shuffled(b) - shuffled(a))
        .slice(0, 12),
    );
    const wanted = [...scores].sort(([, a], [, b]) => b - a);
    const depth = 12;
    const searches = [
      { ...sparse, k: depth },
      { ...dot, k: depth, filter: { number: { $lt: 25 } } },
    ];
    for (const k of [1, 10, 100]) {
      const call = store.searchHybrid(searches, { fusion: { native: "rrf", k: 10 }, k });
      // Some engines give no more hits than they read of each search; they say so.
      const hits = await call.catch((error: unknown) => {
        if (k <= depth || !SparseEncoderError.is(error, "STORE_UNSUPPORTED")) throw error;
      });
      if (hits === undefined) continue;
      strictEqual(hits.length, Math.min(k, wanted.length));
      for (const [rank, { id, score, text, metadata }] of hits.entries()) {
        // Equal sums come in any order.
        ok(Math.abs(score - wanted[rank]![1]) < 1e-6, `rank ${rank}: ${score}, not ${wanted[rank]![1]}`);
        ok(Math.abs(score - scores.get(id)!) < 1e-6, `${id}: ${score}, not ${scores.get(id)}`);
        const { number } = metadata as { number: number };
        deepStrictEqual([id, text], [`d${number}`, `text of ${number}`]);
      }
    }
  },

  async "fuses by scores from worst to best, if it says so"(store) {
    await store.upsert(Array.from({ length: count }, (_, number) => numbered(number)));
    if (store.searchHybrid === undefined || store.capabilities.nativeFusions?.has("minMax") !== true) return;
    const depth = 12;
    // Of the sparse search the best is document 29, of the dense one the document of the largest shuffled number.
    const part = (value: number) => Math.max(0, value - (count - depth)) / (depth - 1);
    const scoreOf = (number: number) => 2 * part(number) + 0.5 * part(shuffled(number));
    const hits = await store.searchHybrid(
      [
        { ...sparse, k: depth, weight: 2 },
        { ...dot, k: depth, weight: 0.5 },
      ],
      { fusion: { native: "minMax" }, k: 100 },
    );
    ok(hits.length > depth);
    for (const { id, score } of hits) {
      const wanted = scoreOf(Number(id.slice(1)));
      // Engines may give the worst of a list a little instead of nothing.
      ok(Math.abs(score - wanted) < 3e-3, `${id}: ${score}, not ${wanted}`);
    }
  },

  async "refuses the fusions that it does not name"(store) {
    const able = store.capabilities.nativeFusions;
    if (store.searchHybrid === undefined) return strictEqual(able, undefined);
    for (const native of ["rrf", "dbsf", "minMax", "weighted"] satisfies NativeFusion["native"][]) {
      const call = store.searchHybrid([sparse, dot], { fusion: { native } });
      if (able?.has(native) === true) deepStrictEqual(await call, []);
      else await isRefused(call, "STORE_UNSUPPORTED");
    }
  },
};
