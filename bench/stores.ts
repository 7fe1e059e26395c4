import { performance } from "node:perf_hooks";
import type { SparseVector, Store } from "@sparse-encoder/core";
import { collectionVectors, randomCollection } from "../test/services/random-collection.ts";
import { BenchEngines, engineNames, type OpenStore } from "./engines.ts";
import { writeReport } from "./report.ts";

/**
 * Ingestion and search of the stores that run on real engines: `pnpm bench:stores [documents,documents] [store,store]`.
 * Documents have 120 active dims and 384 dense dimensions, queries 30 active dims; 100 queries one after the other, after 10
 * to warm up. All figures are written to bench/results/stores.json after each store.
 */
const sizes = (process.argv[2] ?? "11429,100000").split(",").map(Number);
const vectors = { ...collectionVectors, dense: { kind: "dense", dimension: 384 } } as const;
const batch = 500;
const warmUps = 10;
const searches = 100;

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

interface Figures {
  readonly store: string;
  readonly documents: number;
  readonly "documents stored a second": number;
  readonly "sparse, ms": Percentiles;
  readonly "sparse, one tenth passes, ms": Percentiles;
  readonly "dense, ms": Percentiles;
  /** Resident memory of this process; a server has its own. */
  readonly "this process, MB": number;
}

if (!sizes.every((size) => Number.isInteger(size) && size >= batch)) {
  throw new Error(`sizes must be whole numbers of at least ${batch}, received ${process.argv[2]}`);
}
// The shell before the engine of Qdrant is of the tests, so its speed says nothing.
const names = process.argv[3]?.split(",") ?? engineNames.filter((name) => name !== "qdrant");
/** The heap of the OpenSearch is SPARSE_ENCODER_OPENSEARCH_HEAP, 1g by default. */
const engines = await BenchEngines.start(names);

const queries = [...randomCollection(warmUps + searches, 120, 384)].map(({ vectors: { sparse, dense } }) => ({
  sparse: (sparse as SparseVector).topDims(30),
  dense: dense as Float32Array,
}));

const rounded = (milliseconds: number) => Math.round(milliseconds * 100) / 100;

async function percentiles(
  search: (query: (typeof queries)[number]) => Promise<unknown>,
): Promise<Percentiles> {
  const times: number[] = [];
  for (const [number, query] of queries.entries()) {
    const start = performance.now();
    await search(query);
    if (number >= warmUps) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => rounded(times[Math.ceil(share * times.length) - 1]!);
  return { p50: at(0.5), p99: at(0.99) };
}

/** Stores `count` documents; the time to make them does not count. */
async function ingest(store: Store, count: number): Promise<number> {
  const collection = randomCollection(count, 120, 384);
  let milliseconds = 0;
  for (let stored = 0; stored < count; ) {
    const documents = [];
    while (documents.length < batch && stored + documents.length < count)
      documents.push(collection.next().value!);
    const start = performance.now();
    await store.upsert(documents);
    milliseconds += performance.now() - start;
    stored += documents.length;
  }
  return milliseconds / 1000;
}

async function measure(name: string, open: OpenStore, count: number): Promise<Figures> {
  await using store = await open(`bench_${count}`, vectors);
  const seconds = await ingest(store, count);
  const filter = { number: { $lt: count / 10 } };
  return {
    store: name,
    documents: count,
    "documents stored a second": Math.round(count / seconds),
    "sparse, ms": await percentiles(({ sparse }) => store.searchSparse("sparse", sparse)),
    "sparse, one tenth passes, ms": await percentiles(({ sparse }) =>
      store.searchSparse("sparse", sparse, { filter }),
    ),
    "dense, ms": await percentiles(({ dense }) => store.searchDense("dense", dense)),
    "this process, MB": Math.round(process.memoryUsage.rss() / 1e6),
  };
}

try {
  const figures: Figures[] = [];
  for (const count of sizes) {
    for (const [name, open] of engines.openers) {
      figures.push(await measure(name, open, count));
      console.log(JSON.stringify(figures.at(-1)));
      writeReport("stores", figures);
    }
  }
} finally {
  await engines.stop();
}
