// Measures the embedded model on a real collection, at two limits on active dims, and a search with an index.
// Usage: npx -y pnpm@12 exec tsx examples/evaluate-cranfield.ts
import { fileURLToPath } from "node:url";
import { InvertedIndex, SparseEncoder } from "@sparse-encoder/core";
import { evaluateRun, InformationRetrievalEvaluator, readBeirFolder } from "@sparse-encoder/core/evaluation";

// corpus.jsonl, queries.jsonl and qrels/test.tsv, each packed or not
const folder = fileURLToPath(new URL("data/cranfield", import.meta.url));
const { documents, queries, judgements } = await readBeirFolder(folder);
await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 256 });

// A model, at two limits: every query against every document.
for (const maxActiveDims of [32, 64]) {
  const evaluator = new InformationRetrievalEvaluator({
    queries,
    corpus: documents,
    relevantDocuments: judgements,
    maxActiveDims,
  });
  const { metrics, primaryMetric } = await evaluator.evaluate(encoder);
  console.log(maxActiveDims, primaryMetric, metrics[primaryMetric], metrics.avg_flops);
}

// A search, whatever it is: only its rankings count.
const index = new InvertedIndex(encoder.embeddingDimension);
const ids = documents.map(({ id }) => id);
index.addMany(ids, await encoder.encodeDocument(documents.map(({ text }) => text)));
const embeddings = await encoder.encodeQuery(queries.map(({ text }) => text));
const run = new Map(queries.map(({ id }, row) => [id, index.search(embeddings.row(row), { topK: 100 })]));
console.log(evaluateRun(run, judgements).metrics["ndcg@10"]); // 0.491
