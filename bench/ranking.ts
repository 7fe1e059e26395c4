// Ranking quality on every engine beside memory's: nDCG@10 of sparse, dense and hybrid search.
// Usage: pnpm bench:ranking [-- --data folder/of/collections --engines memory,opensearch --store folder]
// A collection is a folder in BEIR layout; without --data Cranfield, which is in this repository. If the folder of collections has
// vectors/<collection>/splade_docs.bin.gz (offsets, indices and values of a CSR matrix), documents are not encoded by SPLADE again.
// --store keeps what was encoded in a folder per collection, so that a second run encodes nothing. --dense is another dense model.
// The figures do not depend on the machine or its load.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import {
  DenseEncoder,
  HybridRetriever,
  MemoryStore,
  rrf,
  SparseEncoder,
  SparseVector,
  type Store,
  type StoreHit,
} from "@sparse-encoder/core";
import { ndcg, readBeirFolder } from "@sparse-encoder/core/evaluation";
import { copyStore } from "@sparse-encoder/core/stores";
import { BenchEngines, engineNames } from "./engines.ts";
import { writeReport } from "./report.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    data: { type: "string", default: fileURLToPath(new URL("../examples/data", import.meta.url)) },
    engines: { type: "string", default: engineNames.join(",") },
    store: { type: "string" },
    dense: {
      type: "string",
      default: fileURLToPath(new URL("../examples/models/all-minilm-l6-v2", import.meta.url)),
    },
  },
});
const depth = 10;
/** Width of the sparse vectors that are there already. */
const vocabulary = 30_522;
const ways = ["sparse", "dense", "hybrid"] as const;

type Rankings = Readonly<
  Record<(typeof ways)[number], readonly (readonly Pick<StoreHit, "id" | "score">[])[]>
>;

interface Figures {
  /** Mean nDCG@10. */
  readonly ndcg: Readonly<Record<string, number>>;
  /** Queries whose ten documents are not those of memory, in its order. */
  readonly otherwiseThanMemory: Readonly<Record<string, number>>;
  /** The largest difference of a score of a rank to memory's, as a share of it. */
  readonly largestDifference: Readonly<Record<string, number>>;
}

const engines = await BenchEngines.start(options.engines.split(","));
const report: Record<string, Record<string, Figures>> = {};
try {
  // 256 tokens, as in the published figures for these collections.
  await using sparse = await SparseEncoder.load(undefined, { maxSeqLength: 256 });
  await using dense = await DenseEncoder.load(options.dense, { maxSeqLength: 256 });
  const collections = readdirSync(options.data).filter((name) =>
    existsSync(path.join(options.data, name, "qrels", "test.tsv")),
  );
  for (const name of collections) report[name] = await measure(name, sparse, dense);
} finally {
  await engines.stop();
}
writeReport("ranking", { "dense model": path.basename(options.dense), ...report });

async function measure(
  name: string,
  sparse: SparseEncoder,
  dense: DenseEncoder,
): Promise<Record<string, Figures>> {
  const { documents, queries, judgements } = await readBeirFolder(path.join(options.data, name));
  const judged = queries.filter(({ id }) => [...(judgements.get(id)?.values() ?? [])].some((one) => one > 0));
  const texts = judged.map(({ text }) => text);
  await using memory =
    options.store === undefined ? new MemoryStore() : await MemoryStore.open(path.join(options.store, name));
  const retrieverOf = (store: Store) =>
    new HybridRetriever({
      arms: { sparse: { encoder: sparse, store }, dense: { encoder: dense, store } },
      fusion: rrf(),
      k: depth,
    });
  if ((await memory.count()) !== documents.length) {
    const known = readVectors(name, documents.length);
    if (known === undefined) await retrieverOf(memory).add(documents);
    else {
      const matrix = await dense.encodeDocument(documents.map(({ text }) => text));
      await memory.upsert(
        documents.map(({ id, text }, row) => ({
          id,
          text,
          metadata: {},
          vectors: { sparse: known[row]!, dense: matrix.row(row) },
        })),
      );
    }
  }
  const [sparseQueries, denseQueries] = await Promise.all([
    sparse.encodeQuery(texts),
    dense.encodeQuery(texts),
  ]);
  const rank = async (store: Store): Promise<Rankings> => {
    const found = { sparse: [] as StoreHit[][], dense: [] as StoreHit[][] };
    for (let row = 0; row < texts.length; row++) {
      found.sparse.push([...(await store.searchSparse("sparse", sparseQueries.row(row), { k: depth }))]);
      found.dense.push([...(await store.searchDense("dense", denseQueries.row(row), { k: depth }))]);
    }
    return { ...found, hybrid: await retrieverOf(store).retrieveMany(texts) };
  };
  const wanted = await rank(memory);
  const rows: Record<string, Figures> = {};
  for (const [engine, open] of engines.openers) {
    let rankings = wanted;
    if (engine !== "memory") {
      await using store = await open(`ranking_${name}`, memory.vectors);
      await copyStore(memory, store);
      rankings = await rank(store);
    }
    const grade = (hits: Rankings["sparse"][number], query: number) =>
      ndcg(
        hits.map(({ id }) => id),
        judgements.get(judged[query]!.id)!,
        depth,
      );
    rows[engine] = compare(rankings, wanted, grade);
    console.log(name, engine, JSON.stringify(rows[engine]));
  }
  return rows;
}

/** Sparse vectors of the documents that are there already, in their order. */
function readVectors(name: string, count: number): SparseVector[] | undefined {
  const file = path.join(options.data, "vectors", name, "splade_docs.bin.gz");
  if (!existsSync(file)) return undefined;
  const { buffer, byteOffset, byteLength } = gunzipSync(readFileSync(file));
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  const offsets = new Uint32Array(bytes, 0, count + 1);
  const active = offsets[count]!;
  const indices = new Uint32Array(bytes, 4 * (count + 1), active);
  const values = new Float32Array(bytes, 4 * (count + 1 + active), active);
  return Array.from({ length: count }, (_, row) => {
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    return new SparseVector(indices.slice(start, end), values.slice(start, end), vocabulary);
  });
}

function compare(
  rankings: Rankings,
  wanted: Rankings,
  grade: (hits: Rankings["sparse"][number], query: number) => number,
): Figures {
  const each = <Value>(value: (way: (typeof ways)[number]) => Value) =>
    Object.fromEntries(ways.map((way) => [way, value(way)]));
  const idsOf = (hits: Rankings["sparse"][number]) => hits.map(({ id }) => id).join();
  return {
    ndcg: each((way) => {
      const grades = rankings[way].map(grade);
      return Number((grades.reduce((sum, one) => sum + one, 0) / grades.length).toFixed(5));
    }),
    otherwiseThanMemory: each(
      (way) => rankings[way].filter((hits, query) => idsOf(hits) !== idsOf(wanted[way][query]!)).length,
    ),
    largestDifference: each((way) => {
      const differences = rankings[way].flatMap((hits, query) =>
        hits.map(({ score }, place) => {
          const other = wanted[way][query]![place]?.score ?? 0;
          return Math.abs(score - other) / Math.max(Math.abs(other), Number.MIN_VALUE);
        }),
      );
      return Number(Math.max(0, ...differences).toPrecision(2));
    }),
  };
}
