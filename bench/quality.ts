// Ranking quality of keyword, learned sparse and dense search, and of each fusion of them.
// Usage: pnpm bench:quality [-- --dense path/to/all-MiniLM-L6-v2 --data folder/of/collections]
// A collection is a folder in BEIR layout; without --data Cranfield, which is in this repository, as is the dense model.
// If the folder of collections holds a results.json, the figures of the reference stand beside ours.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  Bm25Encoder,
  DenseEncoder,
  distributionScore,
  type Fusion,
  HybridRetriever,
  MemoryStore,
  max,
  relativeScore,
  rrf,
  SparseEncoder,
} from "@sparse-encoder/core";
import { ndcg, readBeirFolder } from "@sparse-encoder/core/evaluation";
import type { Collection } from "../examples/cranfield.ts";

import { writeReport } from "./report.ts";

const embedded = new URL("../examples/models/all-minilm-l6-v2", import.meta.url);
const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { dense: { type: "string", default: fileURLToPath(embedded) }, data: { type: "string" } },
});

interface Figures {
  "ndcg@10": number;
  "mrr@10": number;
  "recall@100": number;
}

/** Names that the reference's results have for what is measured here. */
interface Reference {
  base: Record<string, Figures>;
  hybrid: Record<string, Record<string, Figures>>;
}

const metrics = ["ndcg@10", "mrr@10", "recall@100"] as const;

/** As the retriever's default: hits of each arm that are fused. */
const depth = 100;

const fusions: [name: string, fusion: Fusion | undefined, reference: string | undefined][] = [
  ["default", undefined, "dbsf"],
  ["rrf", rrf(), "rrf"],
  ["relativeScore", relativeScore(), "minmax_mean"],
  ["distributionScore", distributionScore(), "dbsf"],
  ["max", max(), undefined],
];

const referenceNames: Record<string, string> = {
  keyword: "bm25_stem_stop_k1=1.2_b=0.75",
  sparse: "splade",
  dense: "dense",
};

const referenceArms: Record<string, string> = { keyword: "bm25", sparse: "splade", dense: "dense" };

const folder = options.data ?? fileURLToPath(new URL("../examples/data", import.meta.url));
const file = path.join(folder, "results.json");
const references: Record<string, Reference> = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8")).collections
  : {};
const collections = readdirSync(folder).filter((name) =>
  existsSync(path.join(folder, name, "qrels", "test.tsv")),
);
const report: Record<string, Record<string, Figures>> = {};
for (const name of collections) {
  console.log(`\n${name}`);
  report[name] = await measure(await readBeirFolder(path.join(folder, name)), references[name]);
}
writeReport("quality", report);

async function measure(
  { documents, queries, judgements }: Collection,
  reference: Reference | undefined,
): Promise<Record<string, Figures>> {
  const judged = queries.filter(({ id }) =>
    [...(judgements.get(id)?.values() ?? [])].some((grade) => grade > 0),
  );
  // Positions as ids: the reference orders equal scores by position, a store by id.
  const idOf = new Map(documents.map(({ id }, position) => [id, String(position).padStart(6, "0")]));
  const gradesOf = (query: string) =>
    new Map([...judgements.get(query)!].map(([id, grade]) => [idOf.get(id)!, grade]));
  const texts = documents.map(({ text }) => text);
  // 256 tokens, as in the published figures for these collections.
  const limits = { maxSeqLength: 256 };
  // As the reference's runs; bench/bm25.ts measures the default.
  const keyword = new Bm25Encoder({ tokens: "bm25s", lengthNorm: "average" });
  await keyword.fit(texts);
  await using sparse = await SparseEncoder.load(undefined, limits);
  await using dense = await DenseEncoder.load(options.dense, limits);
  await using store = new MemoryStore();
  const arms = {
    keyword: { encoder: keyword, store, k: depth },
    sparse: { encoder: sparse, store, k: depth },
    dense: { encoder: dense, store, k: depth },
  };
  await new HybridRetriever({ arms }).add(
    documents.map(({ id, text }) => ({ id: idOf.get(id)!, text, metadata: {} })),
  );
  const rows: Record<string, Figures> = {};
  const run = async (label: string, names: string[], fusion: Fusion | undefined, expected?: Figures) => {
    const retriever = new HybridRetriever({
      arms: Object.fromEntries(names.map((name) => [name, arms[name as keyof typeof arms]])),
      ...(fusion !== undefined && { fusion }),
      k: depth,
    });
    const results = await retriever.retrieveMany(judged.map(({ text }) => text));
    const figures = evaluate(
      results.map((hits) => hits.map(({ id }) => id)),
      judged.map(({ id }) => gradesOf(id)),
    );
    rows[label] = figures;
    print(label, figures, expected);
  };
  for (const name of Object.keys(arms))
    await run(name, [name], rrf(), reference?.base[referenceNames[name]!]);
  for (const names of combinations(Object.keys(arms))) {
    const key = `${names.map((name) => referenceArms[name]).join("+")}@${depth}`;
    for (const [label, fusion, known] of fusions) {
      const expected = known === undefined ? undefined : reference?.hybrid[key]?.[known];
      await run(`${names.join(" + ")}, ${label}`, names, fusion, expected);
    }
    const hybrid = rows[`${names.join(" + ")}, default`]!["ndcg@10"];
    const best = Math.max(...names.map((name) => rows[name]!["ndcg@10"]));
    const verdict = hybrid > best ? "beats" : "does not beat";
    console.log(`  The default ${verdict} its best arm: ${hybrid.toFixed(4)} and ${best.toFixed(4)}`);
  }
  return rows;
}

function print(label: string, figures: Figures, expected: Figures | undefined): void {
  const cells = metrics.map((metric) => {
    const beside = expected === undefined ? "" : ` (${expected[metric].toFixed(4)})`;
    return `${metric} ${figures[metric].toFixed(4)}${beside}`.padEnd(28);
  });
  console.log(`  ${label.padEnd(46)}${cells.join("").trimEnd()}`);
}

/** Means over the queries. */
function evaluate(rankings: string[][], judgements: ReadonlyMap<string, number>[]): Figures {
  const mean = (score: (ranking: string[], grades: ReadonlyMap<string, number>) => number) =>
    rankings.reduce((sum, ranking, row) => sum + score(ranking, judgements[row]!), 0) / rankings.length;
  const relevant = (id: string, grades: ReadonlyMap<string, number>) => (grades.get(id) ?? 0) > 0;
  return {
    "ndcg@10": mean((ranking, grades) => ndcg(ranking, grades, 10)),
    "mrr@10": mean((ranking, grades) => {
      const first = ranking.slice(0, 10).findIndex((id) => relevant(id, grades));
      return first === -1 ? 0 : 1 / (first + 1);
    }),
    "recall@100": mean((ranking, grades) => {
      const all = [...grades.values()].filter((grade) => grade > 0).length;
      return ranking.slice(0, 100).filter((id) => relevant(id, grades)).length / all;
    }),
  };
}

/** All choices of two or more, fewer first. */
function combinations(names: readonly string[]): string[][] {
  const choices = Array.from({ length: 2 ** names.length }, (_, bits) =>
    names.filter((_name, position) => (bits >> position) & 1),
  );
  return choices.filter((choice) => choice.length > 1).sort((a, b) => a.length - b.length);
}
