// Encodes a real collection, builds an index, and answers a query with the terms that made each match.
// Usage: pnpm start [-- "your query"]
import { InvertedIndex, ndcg, SparseEncoder } from "@sparse-encoder/core";
import { readCranfield } from "./cranfield.ts";

const query =
  process.argv
    .slice(2)
    .filter((word) => word !== "--")
    .join(" ") || "heat transfer to a blunt body in supersonic flow";
const { documents, queries, judgements } = readCranfield();
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

// 256 tokens, as in the published figures for this collection.
await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 256 });

const started = performance.now();
const embeddings = await encoder.encodeDocument(
  documents.map((document) => document.text),
  {
    onProgress: ({ done, total }) => {
      if (process.stderr.isTTY || done === total)
        process.stderr.write(`\rEncoded ${done} of ${total} documents`);
    },
  },
);
const seconds = (performance.now() - started) / 1000;
process.stderr.write("\n");

const { activeDims, sparsityRatio } = SparseEncoder.sparsity(embeddings);
console.log(
  `Embeddings   [${embeddings.shape.join(", ")}] in ${seconds.toFixed(1)} s, ${(documents.length / seconds).toFixed(0)} documents/s`,
);
console.log(
  `Sparsity     ${activeDims.toFixed(1)} active dims a document, ${(sparsityRatio * 100).toFixed(2)} % zeros`,
);
console.log(
  `Memory       ${megabytes(embeddings.byteLength)}; dense float32 would take ${megabytes(documents.length * encoder.embeddingDimension * 4)}`,
);

const index = new InvertedIndex(encoder.embeddingDimension);
index.addMany(
  documents.map((document) => document.id),
  embeddings,
);

console.log(`\nTop 5 for "${query}"`);
const queryEmbedding = await encoder.encodeQuery(query);
for (const { id, score } of index.search(queryEmbedding, { topK: 5 })) {
  const document = documents.find((candidate) => candidate.id === id)!;
  const terms = index
    .explain(queryEmbedding, id)
    .slice(0, 6)
    .map(({ index: term, contribution }) => `${encoder.tokenOf(term)} ${contribution.toFixed(1)}`);
  console.log(`${score.toFixed(2).padStart(7)}  [${id}] ${document.text.slice(0, 78)}`);
  console.log(`         ${terms.join(", ")}`);
}

const judged = queries.filter(({ id }) => judgements.has(id));
const queryEmbeddings = await encoder.encodeQuery(judged.map(({ text }) => text));
const scores = judged.map(({ id }, row) => {
  const ranking = index.search(queryEmbeddings.row(row), { topK: 10 }).map((hit) => hit.id);
  return ndcg(ranking, judgements.get(id)!, 10);
});
const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
console.log(`\nnDCG@10 over ${judged.length} judged queries: ${mean.toFixed(4)}`);
