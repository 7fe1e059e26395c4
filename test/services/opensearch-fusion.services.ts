import {
  HybridRetriever,
  relativeScore,
  rrf,
  type ScoredId,
  SparseVector,
  type StoredDocument,
} from "@sparse-encoder/core";
import type { OpenSearchStore } from "@sparse-encoder/core/stores";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { Random } from "../../packages/core/src/testing/random.ts";
import { because, openOpenSearch, ownName } from "./engines.ts";

const { opensearch, missing } = inject("servers");

const vectors = {
  sparse: { kind: "sparse", dimension: 1000 },
  dense: { kind: "dense", dimension: 8 },
} as const;

const random = new Random(5);

/** Weights of 9 bits, which the index keeps as they are; those of queries have more, so that no two documents score alike. */
function randomDocument(number: number): StoredDocument {
  const dims = random.distinct(20, 1000);
  return {
    id: `d${number}`,
    text: `text of ${number}`,
    metadata: { number },
    vectors: {
      sparse: SparseVector.from(
        Object.fromEntries(dims.map((dim) => [dim, (1 + random.below(511)) / 128])),
        1000,
      ),
      dense: Float32Array.from({ length: 8 }, () => random.below(2000) / 1000 - 1),
    },
  };
}

describe.skipIf(opensearch === undefined)(
  `fusion by ${opensearch?.what}${because(missing.opensearch)}`,
  () => {
    const documents = Array.from({ length: 400 }, (_, number) => randomDocument(number));
    let store: OpenSearchStore;
    beforeAll(async () => {
      store = await openOpenSearch({ index: "fusion", vectors });
      await store.upsert(documents);
    });
    afterAll(() => store?.close());

    const searchesOf = (k: number) => [
      {
        vector: "sparse",
        query: SparseVector.from(
          Object.fromEntries(random.distinct(60, 1000).map((dim) => [dim, 1 + random.below(10_007) / 977])),
          1000,
        ),
        k,
      },
      {
        vector: "dense",
        query: Float32Array.from({ length: 8 }, () => random.below(2000) / 1000 - 1),
        k,
        filter: { number: { $lt: 300 } },
      },
    ];
    const rankingsOf = async ([sparse, dense]: ReturnType<typeof searchesOf>) => ({
      sparse: await store.searchSparse("sparse", sparse!.query as SparseVector, { k: sparse!.k }),
      dense: await store.searchDense("dense", dense!.query as Float32Array, {
        k: dense!.k,
        filter: dense!.filter!,
      }),
    });
    const expectScores = (hits: readonly ScoredId[], wanted: readonly ScoredId[], tolerance: number) => {
      const scores = new Map(wanted.map(({ id, score }) => [id, score]));
      const off = hits.filter(({ id, score }) => !(Math.abs(score - scores.get(id)!) < tolerance));
      expect(off).toEqual([]);
      for (const [rank, { score }] of hits.entries()) {
        expect(Math.abs(score - wanted[rank]!.score)).toBeLessThan(tolerance);
      }
    };

    it("by ranks gives what rrf of this library gives", async () => {
      for (const k of [1, 60, 10_000]) {
        for (let run = 0; run < 10; run++) {
          const searches = searchesOf(30);
          const hits = await store.searchHybrid(searches, { fusion: { native: "rrf", k }, k: 40 });
          expectScores(hits, rrf({ k })(await rankingsOf(searches)), 1e-6);
          for (const { id, text, metadata } of hits)
            expect([text, `d${metadata.number}`]).toEqual([`text of ${metadata.number}`, id]);
        }
      }
    });

    it("by scores gives what relativeScore of this library gives, but for the worst of each search", async () => {
      for (let run = 0; run < 20; run++) {
        const [sparse, dense] = searchesOf(30);
        const searches = [
          { ...sparse!, weight: 3 },
          { ...dense!, weight: 0.5 },
        ];
        const hits = await store.searchHybrid(searches, { fusion: { native: "minMax" }, k: 40 });
        const wanted = relativeScore({ weights: { sparse: 3, dense: 0.5 } })(
          await rankingsOf([sparse!, dense!]),
        );
        // The worst has 0.001 of the weight instead of nothing.
        expectScores(hits, wanted, 3.1e-3);
      }
    });

    it("refuses by name what it cannot", async () => {
      const [sparse, dense] = searchesOf(30);
      const refuse = (message: string, ...call: Parameters<typeof store.searchHybrid>) =>
        expect(store.searchHybrid(...call)).rejects.toMatchObject({
          code: "STORE_UNSUPPORTED",
          message: expect.stringContaining(message),
        });
      const fusion = { native: "rrf" } as const;
      await refuse("one k", [sparse!, { ...dense!, k: 10 }], { fusion });
      await refuse("no weights", [sparse!, { ...dense!, weight: 2 }], { fusion });
      await refuse(
        "up to 5 searches",
        Array.from({ length: 6 }, () => sparse!),
        { fusion },
      );
      await refuse("10000", [sparse!], { fusion: { native: "rrf", k: 10_001 } });
      await refuse("opensearch", [sparse!], { fusion: { native: "dbsf" } });
    });

    it.runIf(opensearch?.isOwn)("refuses rrf where ranks would be those of shards", async () => {
      const name = ownName("shards");
      const template = `${opensearch!.url}/_index_template/${name}`;
      const body = JSON.stringify({
        index_patterns: [name],
        template: { settings: { number_of_shards: 3 } },
      });
      await fetch(template, { method: "PUT", headers: { "content-type": "application/json" }, body });
      try {
        await using divided = await openOpenSearch({ index: "shards", vectors });
        await divided.upsert(documents.slice(0, 50));
        const searches = searchesOf(30);
        await expect(divided.searchHybrid(searches, { fusion: { native: "rrf" } })).rejects.toMatchObject({
          code: "STORE_UNSUPPORTED",
          message: expect.stringContaining("this index has 3"),
        });
        expect((await divided.searchHybrid(searches, { fusion: { native: "minMax" } })).length).toBe(10);
      } finally {
        await fetch(template, { method: "DELETE" });
      }
    });

    it("serves a retriever in one request", async () => {
      await using own = await openOpenSearch({ index: "fusion_of_retriever", vectors });
      const sparse = new FakeSparseEncoder({ dimension: 1000 });
      const dense = new FakeDenseEmbedder({ dimension: 8 });
      const retriever = new HybridRetriever({
        arms: { sparse: { encoder: sparse, store: own }, dense: { encoder: dense, store: own } },
      });
      await retriever.add(
        Array.from({ length: 60 }, (_, n) => ({
          id: `${n}`,
          text: `${"red ".repeat(n + 1)}${"green ".repeat((n * 37) % 61)}sea`,
        })),
      );
      const native = await retriever.retrieve("red", { fusion: { native: "rrf" }, k: 20 });
      const ours = await retriever.retrieve("red", { fusion: "rrf", k: 20 });
      for (const [rank, { score }] of native.entries()) expect(score).toBeCloseTo(ours[rank]!.score, 5);
    });
  },
);
