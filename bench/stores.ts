import { performance } from "node:perf_hooks";
import { MemoryStore, MilvusStore, PostgresStore, type SparseVector, type Store } from "@sparse-encoder/core";
import { MilvusServer } from "../test/services/milvus-server.ts";
import { PostgresServer } from "../test/services/postgres-server.ts";
import { collectionVectors, randomCollection } from "../test/services/random-collection.ts";
import { installServers } from "../test/services/service-packages.ts";

/**
 * Ingestion and search of the stores that run on real engines: `pnpm bench:stores [documents] [store,store]`. Documents
 * have 120 active dims and 384 dense dimensions, queries 30 active dims; 100 queries after 10 to warm up.
 */
const count = Number(process.argv[2] ?? 11_429);
const names = process.argv[3]?.split(",");
const vectors = { ...collectionVectors, dense: { kind: "dense", dimension: 384 } } as const;
const batch = 500;

const packages = await installServers();
const [postgres, milvus] = await Promise.all([PostgresServer.start(packages), MilvusServer.start(packages)]);
const stores: Record<string, () => Promise<Store>> = {
  memory: async () => new MemoryStore({ vectors }),
  "postgres-server": () => PostgresStore.open({ url: postgres.url, vectors }),
  pglite: () => PostgresStore.open({ folder: "memory://", vectors }),
  "milvus-lite": () => MilvusStore.open({ address: milvus.address, vectors }),
};

async function percentiles(search: (number: number) => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let number = 0; number < 110; number++) {
    const start = performance.now();
    await search(number);
    if (number >= 10) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return `p50 ${times[49]!.toFixed(1)} ms, p99 ${times[98]!.toFixed(1)} ms`;
}

try {
  const queries = [...randomCollection(110, 120, 384)].map(({ vectors: { sparse, dense } }) => ({
    sparse: (sparse as SparseVector).topDims(30),
    dense: dense as Float32Array,
  }));
  for (const [name, open] of Object.entries(stores)) {
    if (names !== undefined && !names.includes(name)) continue;
    await using store = await open();
    const start = performance.now();
    let documents = [];
    let generating = 0;
    let mark = performance.now();
    for (const document of randomCollection(count, 120, 384)) {
      documents.push(document);
      if (documents.length < batch) continue;
      generating += performance.now() - mark;
      await store.upsert(documents);
      documents = [];
      mark = performance.now();
    }
    await store.upsert(documents);
    const seconds = (performance.now() - start - generating) / 1000;
    const filter = { number: { $lt: count / 10 } };
    const at = (number: number) => queries[number]!;
    console.log(`${name}, ${count} documents: ${Math.round(count / seconds)} documents/s`);
    console.log(`  sparse ${await percentiles((n) => store.searchSparse("sparse", at(n).sparse))}`);
    console.log(
      `  sparse, one tenth passes ${await percentiles((n) => store.searchSparse("sparse", at(n).sparse, { filter }))}`,
    );
    console.log(`  dense ${await percentiles((n) => store.searchDense("dense", at(n).dense))}`);
  }
} finally {
  await Promise.all([postgres.stop(), milvus.stop()]);
}
