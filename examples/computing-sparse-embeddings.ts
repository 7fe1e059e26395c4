// Follows "Computing Sparse Embeddings" of the sentence-transformers documentation, step by step.
import { SparseEncoder } from "@sparse-encoder/core";

// 1. Load a model: the embedded one, or the path of a model folder.
const encoder = await SparseEncoder.load();
const sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];

// 2. Encode.
const embeddings = await encoder.encode(sentences);
console.log("Shape:", embeddings.shape);

// 3. Similarities: the dot product by default.
console.log("Similarities:");
for (const row of encoder.similarity(embeddings, embeddings)) {
  console.log("  ", Array.from(row, (score) => score.toFixed(4)).join("  "));
}

// 4. Sparsity.
const stats = SparseEncoder.sparsity(embeddings);
console.log(
  `Sparsity: ${(stats.sparsityRatio * 100).toFixed(2)}% (${stats.activeDims} active dims on average)`,
);

// 5. Sequence length: the special tokens count.
console.log("Max sequence length:", encoder.maxSeqLength);
encoder.maxSeqLength = 200;
console.log("Max sequence length:", encoder.maxSeqLength);
console.log("Embedding dimension:", encoder.embeddingDimension);

// 6. Active dims, limited at the call or at load.
const limited = await encoder.encode(sentences, { maxActiveDims: 16 });
console.log("Active dims at the call:", SparseEncoder.sparsity(limited).activeDims);
const small = await SparseEncoder.load(undefined, { maxActiveDims: 8 });
console.log("Active dims at load:", SparseEncoder.sparsity(await small.encode(sentences)).activeDims);
await small.close();

// 7. Memory saved.
const saved = 1 - limited.byteLength / embeddings.byteLength;
console.log(
  `Memory: ${embeddings.byteLength} bytes, ${limited.byteLength} limited: ${(saved * 100).toFixed(0)}% less`,
);

// 8. What an embedding says: its vocabulary pieces by weight.
const show = (tokens: [string, number][]) =>
  tokens.map(([token, weight]) => `${token} ${weight.toFixed(2)}`).join(", ");
encoder.decode(embeddings, { topK: 10 }).forEach((tokens, row) => {
  console.log(`${sentences[row]}\n   ${show(tokens)}`);
});

// 9. Why a query matches.
const query = await encoder.encodeQuery("What is the weather like?");
console.log(
  "Scores:",
  Array.from(encoder.similarity(query, embeddings)[0]!, (score) => score.toFixed(4)).join("  "),
);
console.log("Shared:", show(encoder.decode(encoder.intersection(query, embeddings.row(0)), { topK: 3 })));

await encoder.close();
