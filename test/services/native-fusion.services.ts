import {
  HybridRetriever,
  relativeScore,
  rrf,
  type ScoredId,
  SparseVector,
  type StoredDocument,
} from "@sparse-encoder/core";
import type { MilvusStore } from "@sparse-encoder/core/stores";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openMilvus } from "./engines.ts";
import { collectionVectors, randomCollection } from "./random-collection.ts";

const documents = [...randomCollection(500)];
let store: MilvusStore;
beforeAll(async () => {
  store = await openMilvus({
    collection: "fusion",
    vectors: collectionVectors,
  });
  await store.upsert(documents);
});
afterAll(() => store.close());

/** The same scores by rank and by document, as far as float32 and documents of equal scores at the end allow. */
function expectSame(actual: readonly ScoredId[], wanted: readonly ScoredId[]): void {
  expect(actual.length).toBe(wanted.length);
  for (const [rank, { score }] of wanted.entries()) expect(actual[rank]!.score).toBeCloseTo(score, 5);
  const last = wanted.at(-1)!.score;
  for (const { id, score } of actual) {
    const same = wanted.find((hit) => hit.id === id);
    expect(score).toBeCloseTo(same?.score ?? last, 5);
  }
}

const queryOf = ({ vectors: { sparse, dense } }: StoredDocument) => ({
  sparse: (sparse as SparseVector).topDims(15),
  dense: dense as Float32Array,
});

describe("fusion by Milvus", () => {
  it("by ranks gives what rrf of this library gives", async () => {
    for (const document of documents.slice(0, 30)) {
      const { sparse, dense } = queryOf(document);
      const filter = { number: { $lt: 400 } };
      const searches = [
        { vector: "sparse", query: sparse, k: 40 },
        { vector: "dense", query: dense, k: 30, filter },
      ];
      const rankings = {
        sparse: await store.searchSparse("sparse", sparse, { k: 40 }),
        dense: await store.searchDense("dense", dense, { k: 30, filter }),
      };
      for (const k of [60, 5]) {
        const hits = await store.searchHybrid(searches, { fusion: { native: "rrf", k }, k: 20 });
        expectSame(hits, rrf({ k })(rankings).slice(0, 20));
        for (const { id, text, metadata } of hits) {
          expect(text).toBe(`text of ${metadata.number}`);
          expect(id).toBe(`document ${metadata.number}`);
        }
      }
    }
  });

  it("by weighted scores gives the sum that Milvus documents, of scores through arctan", async () => {
    for (const document of documents.slice(0, 30)) {
      const { sparse, dense } = queryOf(document);
      const weights = { sparse: 0.5, dense: 2 };
      const hits = await store.searchHybrid(
        [
          { vector: "sparse", query: sparse, k: 40, weight: weights.sparse },
          { vector: "dense", query: dense, k: 40, weight: weights.dense },
        ],
        { fusion: { native: "weighted" }, k: 20 },
      );
      const scores = new Map<string, number>();
      // The inner product as 0.5 + arctan / pi, the cosine as (1 + cosine) / 2; weights to the largest of 1.
      for (const { id, score } of await store.searchSparse("sparse", sparse, { k: 40 }))
        scores.set(id, 0.25 * (0.5 + Math.atan(score) / Math.PI));
      for (const { id, score } of await store.searchDense("dense", dense, { k: 40 }))
        scores.set(id, (scores.get(id) ?? 0) + (1 + score) / 2);
      const wanted = [...scores].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score);
      expectSame(hits, wanted.slice(0, 20));
    }
  });

  it("takes no weights by ranks, and has no other fusion", async () => {
    const { sparse } = queryOf(documents[0]!);
    const searches = [{ vector: "sparse", query: sparse, weight: 2 }];
    for (const native of ["rrf", "dbsf"] as const) {
      await expect(store.searchHybrid(searches, { fusion: { native } })).rejects.toMatchObject({
        code: "STORE_UNSUPPORTED",
        message: expect.stringContaining("milvus"),
      });
    }
  });

  it("takes constants up to its limit", async () => {
    const { sparse } = queryOf(documents[0]!);
    const search = (k: number) =>
      store.searchHybrid([{ vector: "sparse", query: sparse }], { fusion: { native: "rrf", k }, k: 1 });
    for (const k of [1, 16_383]) expect((await search(k))[0]!.score).toBeCloseTo(1 / (k + 1), 6);
    await expect(search(16_384)).rejects.toMatchObject({ code: "STORE_UNSUPPORTED" });
  });

  it("finds documents that have only one of the vectors, and nothing for an empty query", async () => {
    await using own = await openMilvus({
      collection: "fusion_of_parts",
      vectors: collectionVectors,
    });
    const [one, two] = documents as [StoredDocument, StoredDocument];
    await own.upsert([
      { ...one, vectors: { sparse: one.vectors.sparse! } },
      { ...two, vectors: { dense: two.vectors.dense! } },
    ]);
    const searches = [
      { vector: "sparse", query: one.vectors.sparse! },
      { vector: "dense", query: two.vectors.dense! },
    ];
    const fusion = { native: "rrf" } as const;
    const hits = await own.searchHybrid(searches, { fusion });
    expect(hits.map(({ id }) => id)).toEqual([one.id, two.id]);
    const none = { vector: "sparse", query: SparseVector.from({}, 30_522) };
    expect(await own.searchHybrid([none], { fusion })).toEqual([]);
  });

  it("serves a retriever as its own fusion does", async () => {
    const sparse = new FakeSparseEncoder({ dimension: 1000 });
    const dense = new FakeDenseEmbedder({ dimension: 32 });
    await using own = await openMilvus({
      collection: "fusion_of_retriever",
      vectors: {
        sparse: { kind: "sparse", dimension: 1000 },
        dense: { kind: "dense", dimension: 32 },
      },
    });
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder: sparse, store: own }, dense: { encoder: dense, store: own } },
    });
    // No two documents are equally good for a query in either arm: which of such comes first is the engine's choice.
    await retriever.add(
      Array.from({ length: 60 }, (_, n) => ({
        id: `${n}`,
        text: `${"red ".repeat(n + 1)}${"green ".repeat((n * 37) % 61)}sea`,
      })),
    );
    const native = await retriever.retrieve("red", { fusion: { native: "rrf" }, k: 20 });
    const ours = await retriever.retrieve("red", { fusion: "rrf", k: 20 });
    expectSame(native, ours);
    const refused = retriever.retrieve("red", { fusion: { native: "rrf" }, weights: { dense: 2 } });
    await expect(refused).rejects.toMatchObject({ code: "STORE_UNSUPPORTED" });
    expect(await retriever.retrieve("red", { fusion: relativeScore() })).not.toEqual([]);
  });
});
