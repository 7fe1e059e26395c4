// Speed and memory of the exact in-memory index, in one thread: 100,000 synthetic documents of 120 active dims, queries of 25
// terms, top 10, and whether the hits equal the exhaustive search; then the time in which a store with as many documents
// opens.
// Usage: pnpm bench:search [-- --documents 1000000 --active-dims 120 --terms 25 --checked 300 --seed 1]
// With --reference: beside scipy and Seismic, over the same documents and queries; needs Python 3.11 or later.
import { parseArgs } from "node:util";
import { exhaustiveSearch, InvertedIndex, type SearchHit, type SparseVector } from "@sparse-encoder/core";
import { secondsToOpen } from "./open-store.ts";
import { ReferenceSearch } from "./reference/search.ts";
import { writeReport } from "./report.ts";
import { SyntheticCollection } from "./synthetic-collection.ts";

const { values: options } = parseArgs({
  options: {
    documents: { type: "string", default: "100000" },
    "active-dims": { type: "string", default: "120" },
    terms: { type: "string", default: "25" },
    checked: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    reference: { type: "boolean", default: false },
  },
  // pnpm hands a leading `--` through.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
});
const documentCount = Number(options.documents);
const activeDims = Number(options["active-dims"]);
const termCount = Number(options.terms);
const topK = 10;
const rounds = 9;
const queriesPerRound = 500;
/** As an encoder would hand them over. */
const documentsPerCall = 10_000;

const collection = new SyntheticCollection(Number(options.seed));
const queryMatrix = collection.next(queriesPerRound, termCount);
const queries = queryMatrix.toRows();
const checked = queries.slice(0, Number(options.checked));

using reference = options.reference ? new ReferenceSearch() : undefined;
reference?.append("queries", queryMatrix);

// The oracle ranks the documents part by part, so that they need not all be held beside the index.
const index = new InvertedIndex(collection.dimension);
const expected = checked.map((): SearchHit[] => []);
const postingsOfTerm = new Uint32Array(collection.dimension);
let buildMilliseconds = 0;
for (let start = 0; start < documentCount; start += documentsPerCall) {
  const matrix = collection.next(Math.min(documentsPerCall, documentCount - start), activeDims);
  const ids = Array.from({ length: matrix.length }, (_, row) => `d${start + row}`);
  const started = performance.now();
  index.addMany(ids, matrix);
  buildMilliseconds += performance.now() - started;
  reference?.append("documents", matrix);
  for (const term of matrix.indices) postingsOfTerm[term]!++;
  const documents = matrix.toRows().map((vector, row): [string, SparseVector] => [ids[row]!, vector]);
  for (const [position, query] of checked.entries()) {
    const hits = [...expected[position]!, ...exhaustiveSearch(documents, query, { topK })];
    expected[position] = hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, topK);
  }
}
const equal = checked.filter(
  (query, position) => JSON.stringify(index.search(query, { topK })) === JSON.stringify(expected[position]),
).length;

globalThis.gc?.();
const perSecond: number[] = [];
const milliseconds: number[] = [];
let hits = 0;
for (let round = -1; round < rounds; round++) {
  const started = performance.now();
  let last = started;
  for (const query of queries) {
    hits += index.search(query, { topK }).length;
    const now = performance.now();
    // The first round warms up.
    if (round >= 0) milliseconds.push(now - last);
    last = now;
  }
  if (round >= 0) perSecond.push((1000 * queries.length) / (last - started));
}
if (hits === 0) throw new Error("No query found anything.");
const quantile = (numbers: number[], share: number) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(share * (numbers.length - 1))]!;

const visits = queries.map(({ indices }) => indices.reduce((sum, term) => sum + postingsOfTerm[term]!, 0));
const meanVisits = visits.reduce((sum, count) => sum + count, 0) / visits.length;
const postings = documentCount * activeDims;
const figures = {
  documents: documentCount,
  "active dims a document": activeDims,
  "terms a query": termCount,
  "top k": topK,
  "postings a query visits": Math.round(meanVisits),
  "postings a query visits, per document": Number((meanVisits / documentCount).toFixed(2)),
  "queries per second, median": Math.round(quantile(perSecond, 0.5)),
  "queries per second, slowest round": Math.round(quantile(perSecond, 0)),
  "queries per second, fastest round": Math.round(quantile(perSecond, 1)),
  rounds,
  "queries a round": queriesPerRound,
  "one query, p50 ms": Number(quantile(milliseconds, 0.5).toFixed(3)),
  "one query, p99 ms": Number(quantile(milliseconds, 0.99).toFixed(3)),
  "build, s": Number((buildMilliseconds / 1000).toFixed(2)),
  "bytes per posting": Number((index.byteLength / postings).toFixed(2)),
  "index, MB": Number((index.byteLength / 1e6).toFixed(1)),
  "peak RSS, MB": Number((process.resourceUsage().maxRSS / 1024).toFixed(0)),
  "queries equal to exhaustive search": `${equal} of ${checked.length}`,
};
const name = documentCount === 100_000 ? "" : `-${documentCount}`;
if (reference !== undefined) {
  const exact = queries.map((query) => index.search(query, { topK }).map(({ id }) => Number(id.slice(1))));
  const ours = Object.fromEntries(
    (["queries per second, median", "one query, p50 ms", "one query, p99 ms"] as const).map((figure) => [
      figure,
      figures[figure],
    ]),
  );
  const rows = {
    "this library": { ...ours, [`recall@${topK}`]: 1, "build, s": figures["build, s"] },
    ...reference.measure(exact, topK),
  };
  console.table(rows);
  writeReport(`search-reference${name}`, rows);
} else {
  const opened =
    documentCount > 100_000
      ? {}
      : {
          "open a store of as many, s": Number(
            (await secondsToOpen(collection, documentCount, activeDims)).toFixed(3),
          ),
        };
  const all = { ...figures, ...opened };
  console.table(all);
  writeReport(`search${name}`, all);
}
if (equal !== checked.length) process.exitCode = 1;
