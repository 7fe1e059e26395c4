// What the LlamaIndex adapter costs: `HybridVectorStore.add` against `encodeDocument` of core and an upsert into the same kind
// of store, the same texts in turn in one process.
// Usage: pnpm bench:llamaindex [-- --nodes 2000 --rounds 7]
import { parseArgs } from "node:util";
import { MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { HybridVectorStore, NoDenseEmbedding, SparseEmbedding } from "@sparse-encoder/llamaindex";
import { TextNode } from "llamaindex";
import { readCranfield } from "../examples/cranfield.ts";
import { inPairs, printFigures, toFigures } from "./pairs.ts";
import { writeReport } from "./report.ts";

const { values: options } = parseArgs({
  options: { nodes: { type: "string", default: "2000" }, rounds: { type: "string", default: "7" } },
  // pnpm hands a leading `--` through.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
});
const abstracts = readCranfield().documents.map(({ text }) => text);
const texts = Array.from({ length: Number(options.nodes) }, (_, n) => abstracts[n % abstracts.length]!);

await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 128 });
const sparseEmbedding = new SparseEmbedding({ encoder });
const embedModel = new NoDenseEmbedding();

async function byCore(): Promise<void> {
  await using store = new MemoryStore();
  const vectors = await encoder.encodeDocument(texts);
  await store.upsert(
    texts.map((text, n) => ({ id: `${n}`, text, metadata: {}, vectors: { sparse: vectors.row(n) } })),
  );
}

async function byAdapter(): Promise<void> {
  await using store = new MemoryStore();
  const vectorStore = new HybridVectorStore({ store, sparseEmbedding, embedModel });
  await vectorStore.add(texts.map((text, n) => new TextNode({ id_: `${n}`, text })));
}

const times = await inPairs(Number(options.rounds), byCore, byAdapter);
const figures = {
  nodes: texts.length,
  ...toFigures(times, ["encodeDocument and upsert of core", "add"], 5),
};
printFigures(figures);
writeReport("llamaindex", figures);
