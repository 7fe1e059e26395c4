// What HybridVectorStore.add costs beside core's own add: both encode the same documents with the embedded model and store
// them in memory, in turns. Prints medians, and the overhead in percent.
// Usage: pnpm run bench:llamaindex [-- documents [rounds]]
import { HybridRetriever, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { HybridVectorStore, NoDenseEmbedding, SparseEmbedding } from "@sparse-encoder/llamaindex";
import { TextNode } from "llamaindex";
import { readCranfield } from "../examples/cranfield.ts";

const [count = 300, rounds = 7] = process.argv
  .slice(2)
  .filter((argument) => argument !== "--")
  .map(Number);
const documents = readCranfield().documents.slice(0, count);
await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 256 });

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!;
const plain: number[] = [];
const adapted: number[] = [];
// The first round warms up.
for (let round = 0; round <= rounds; round++) {
  const store = new MemoryStore();
  const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } } });
  const one = await milliseconds(() => retriever.add(documents));
  const vectorStore = new HybridVectorStore({
    store: new MemoryStore(),
    sparseEmbedding: new SparseEmbedding({ encoder }),
    embedModel: new NoDenseEmbedding(),
  });
  const nodes = documents.map(({ id, text }) => new TextNode({ id_: id, text }));
  const other = await milliseconds(() => vectorStore.add(nodes));
  if (round === 0) continue;
  plain.push(one);
  adapted.push(other);
}
const overhead = (median(adapted) / median(plain) - 1) * 100;
console.log(`core     ${median(plain).toFixed(0)} ms for ${count} documents`);
console.log(`adapter  ${median(adapted).toFixed(0)} ms`);
console.log(`overhead ${overhead.toFixed(1)} %`);
