// Encodes a real collection with a sparse and a dense model, and answers a query with hybrid retrieval: which documents match,
// at which rank of which arm, and by which terms. Everything is in this repository; nothing is downloaded.
// Usage: pnpm start [-- "your query"]
import { fileURLToPath } from "node:url";
import { DenseEncoder, HybridRetriever, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { ndcg } from "@sparse-encoder/core/evaluation";
import { readCranfield } from "./cranfield.ts";
import { progressBar } from "./progress-bar.ts";

const query =
  process.argv
    .slice(2)
    .filter((word) => word !== "--")
    .join(" ") || "heat transfer to a blunt body in supersonic flow";
const { documents, queries, judgements } = readCranfield();
const texts = documents.map(({ text }) => text);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

// 256 tokens, as in the published figures for this collection.
await using sparse = await SparseEncoder.load(undefined, { maxSeqLength: 256 });
await using dense = await DenseEncoder.load(
  fileURLToPath(new URL("models/all-minilm-l6-v2", import.meta.url)),
  { maxSeqLength: 256 },
);

const sparseBar = progressBar("Sparse vectors", texts.length);
const started = performance.now();
const sparseVectors = await sparse.encodeDocument(texts, { onProgress: sparseBar.onProgress });
const seconds = (performance.now() - started) / 1000;
sparseBar.stop();
const denseBar = progressBar("Dense vectors ", texts.length);
const denseVectors = await dense.encodeDocument(texts, { onProgress: denseBar.onProgress });
denseBar.stop();

const { activeDims, sparsityRatio } = SparseEncoder.sparsity(sparseVectors);
console.log(
  `Embeddings   [${sparseVectors.shape.join(", ")}] in ${seconds.toFixed(1)} s, ${(texts.length / seconds).toFixed(0)} documents/s`,
);
console.log(
  `Sparsity     ${activeDims.toFixed(1)} active dims per document, ${(sparsityRatio * 100).toFixed(2)} % zeros`,
);
console.log(
  `Memory       ${megabytes(sparseVectors.byteLength)}; dense float32 would take ${megabytes(texts.length * sparse.embeddingDimension * 4)}`,
);

await using store = new MemoryStore();
await store.upsert(
  documents.map(({ id, title, text }, row) => ({
    id,
    text,
    metadata: { title },
    vectors: { sparse: sparseVectors.row(row), dense: denseVectors.row(row) },
  })),
);
const retriever = new HybridRetriever({
  arms: {
    sparse: { encoder: sparse, store, k: 100 },
    dense: { encoder: dense, store, k: 100 },
  },
});

console.log(`\nTop 5 for "${query}"`);
for (const { id, text, score, arms } of await retriever.retrieve(query, { k: 5, explain: true })) {
  const places = Object.entries(arms).map(([arm, { rank }]) => `${arm} #${rank}`);
  const terms = (arms.sparse?.terms ?? [])
    .slice(0, 6)
    .map(({ token, contribution }) => `${token} ${contribution.toFixed(1)}`);
  console.log(`${score.toFixed(3).padStart(7)}  [${id}] ${text.slice(0, 78)}`);
  console.log(`         ${places.join(", ")}; ${terms.join(", ")}`);
}

const judged = queries.filter(({ id }) => judgements.has(id));
console.log(`\nnDCG@10 over ${judged.length} judged queries`);
for (const [name, weights] of Object.entries({
  sparse: { sparse: 1, dense: 0 },
  dense: { sparse: 0, dense: 1 },
  hybrid: { sparse: 1, dense: 1 },
})) {
  const results = await retriever.retrieveMany(
    judged.map(({ text }) => text),
    { k: 10, weights },
  );
  const scores = results.map((result, position) =>
    ndcg(
      result.map(({ id }) => id),
      judgements.get(judged[position]!.id)!,
      10,
    ),
  );
  console.log(
    `  ${name.padEnd(7)} ${(scores.reduce((sum, score) => sum + score, 0) / scores.length).toFixed(4)}`,
  );
}
