import { fileURLToPath } from "node:url";
import {
  DenseEncoder,
  HybridRetriever,
  MemoryStore,
  rrf,
  SparseEncoder,
  type Store,
} from "@sparse-encoder/core";
import { ndcg } from "@sparse-encoder/core/evaluation";
import { copyStore, PostgresStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { readCranfield } from "../../examples/cranfield.ts";
import { Random } from "../../packages/core/src/testing/random.ts";
import {
  conformanceVectors,
  randomDocument,
  randomFilter,
} from "../../packages/core/src/testing/store-documents.ts";
import { StoreOracle } from "../../packages/core/src/testing/store-oracle.ts";
import { openMilvus, openOpenSearch, openPostgres, openQdrant } from "./engines.ts";
import { expectSameRanking, type Ranked } from "./same-ranking.ts";

type Vectors = MemoryStore["vectors"];

const { opensearch, qdrant } = inject("servers");

/** Every store that runs on a real engine here. */
const engines: Record<string, (name: string, vectors: Vectors) => Promise<Store>> = {
  "Postgres on a server": (table, vectors) => openPostgres({ table, vectors }),
  "Postgres in this process": (table, vectors) => PostgresStore.open({ folder: "memory://", table, vectors }),
  Milvus: (collection, vectors) => openMilvus({ collection, vectors }),
  ...(opensearch === undefined
    ? {}
    : { OpenSearch: (index: string, vectors: Vectors) => openOpenSearch({ index, vectors }) }),
  ...(qdrant === undefined
    ? {}
    : { Qdrant: (collection: string, vectors: Vectors) => openQdrant({ collection, vectors }) }),
};

describe("Cranfield", () => {
  const { documents, queries, judgements } = readCranfield();
  const judgedQueries = queries.filter(({ id }) => judgements.has(id));
  const judged = judgedQueries.map(({ text }) => text);
  /** Mean nDCG@10 of the rankings of the judged queries. */
  const quality = (rankings: readonly (readonly Ranked[])[]) =>
    rankings.reduce((sum, hits, query) => {
      const ids = hits.map(({ id }) => id);
      return sum + ndcg(ids, judgements.get(judgedQueries[query]!.id)!, 10);
    }, 0) / rankings.length;
  const memory = new MemoryStore();
  let sparse: SparseEncoder;
  let dense: DenseEncoder;
  const retrieverOf = (store: Store) =>
    new HybridRetriever({
      arms: { sparse: { encoder: sparse, store }, dense: { encoder: dense, store } },
      fusion: rrf(),
      k: 10,
    });
  beforeAll(async () => {
    sparse = await SparseEncoder.load(undefined, { maxSeqLength: 256 });
    dense = await DenseEncoder.load(
      fileURLToPath(new URL("../fixtures/models/dense-mean-normalize", import.meta.url)),
    );
    await retrieverOf(memory).add(documents);
  });
  afterAll(async () => {
    await Promise.all([sparse.close(), dense.close()]);
  });

  it.each(Object.keys(engines))(
    "is ranked by %s as by memory: sparse, dense and hybrid",
    async (engine) => {
      await using store = await engines[engine]!("cranfield", memory.vectors);
      await copyStore(memory, store);
      const sparseQueries = await sparse.encodeQuery(judged);
      const denseQueries = await dense.encodeQuery(judged);
      const sparseHits: [Ranked[], Ranked[]][] = [];
      const denseHits: [Ranked[], Ranked[]][] = [];
      for (let row = 0; row < judged.length; row++) {
        const one = sparseQueries.row(row);
        sparseHits.push([await store.searchSparse("sparse", one), await memory.searchSparse("sparse", one)]);
        const other = denseQueries.row(row);
        denseHits.push([await store.searchDense("dense", other), await memory.searchDense("dense", other)]);
        expectSameRanking(...sparseHits.at(-1)!);
        expectSameRanking(...denseHits.at(-1)!);
      }
      const [found, wanted] = await Promise.all(
        [store, memory].map((one) => retrieverOf(one).retrieveMany(judged)),
      );
      const hybridHits = found!.map((hits, query) => [hits, wanted![query]!] as const);
      for (const [_name, pairs] of Object.entries({
        sparse: sparseHits,
        dense: denseHits,
        hybrid: hybridHits,
      })) {
        const [theirs, ours] = [0, 1].map((side) => quality(pairs.map((pair) => pair[side]!))) as [
          number,
          number,
        ];
        expect(Math.abs(theirs - ours)).toBeLessThan(0.001);
      }
      // Ranks that scores of float32 swap change what is fused, so a few queries may differ by one rank's worth.
      const same = found!.filter(
        (hits, query) => hits.map(({ id }) => id).join() === wanted![query]!.map(({ id }) => id).join(),
      );
      expect(same.length).toBeGreaterThanOrEqual(Math.floor(judged.length * 0.97));
    },
    400_000,
  );
});

describe("500 random filters", () => {
  it.each(Object.keys(engines))("mean to %s what they say", async (engine) => {
    const random = new Random(77);
    const oracle = new StoreOracle();
    const documents = Array.from({ length: 150 }, (_, number) => randomDocument(random, `d${number}`));
    oracle.upsert(documents);
    await using store = await engines[engine]!("filters", conformanceVectors);
    await store.upsert(documents);
    for (let run = 0; run < 500; run++) {
      const filter = randomFilter(random, store.capabilities.filters, 3);
      const ids: string[] = [];
      for await (const { id } of store.iterate({ filter })) ids.push(id);
      expect([ids, filter]).toEqual([oracle.ids(filter), filter]);
    }
  });
});
