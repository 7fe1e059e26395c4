import { Document } from "@langchain/core/documents";
import { TextNode } from "@llamaindex/core/schema";
import { MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { SparseEmbeddings, SparseVectorStore } from "@sparse-encoder/langchain";
import { HybridVectorStore, NoDenseEmbedding, SparseEmbedding } from "@sparse-encoder/llamaindex";
import { text } from "../../../text.mjs";

export const dynamic = "force-dynamic";

const texts = ["Apples grow on trees.", "Trains run on rails.", "Ships sail the seas."];
const question = "Which trains are on the rails?";
const wanted = texts[1];

/** Built once per process: a hot reload runs this module again, the process stays. */
async function build() {
  const encoder = await SparseEncoder.load();
  const langchain = new SparseVectorStore(new SparseEmbeddings({ encoder }), { store: new MemoryStore() });
  await langchain.addDocuments(texts.map((pageContent) => new Document({ pageContent })));
  const llamaindex = new HybridVectorStore({
    store: new MemoryStore(),
    sparseEmbedding: new SparseEmbedding({ encoder }),
    embedModel: new NoDenseEmbedding(),
  });
  await llamaindex.add(texts.map((content) => new TextNode({ text: content })));
  return { encoder, langchain, llamaindex };
}

export async function GET() {
  globalThis.search ??= build();
  const { encoder, langchain, llamaindex } = await globalThis.search;
  const [document] = await langchain.similaritySearch(question, 1);
  const [hit] = await llamaindex.asRetriever({ mode: "sparse", similarityTopK: 1 }).retrieve(question);
  const answers = { langchain: document?.pageContent, llamaindex: hit?.node.text };
  for (const [adapter, answer] of Object.entries(answers))
    if (answer !== wanted) throw new Error(`${adapter} found ${answer}`);
  const vector = await encoder.encode(text);
  return Response.json({ indices: [...vector.indices], values: [...vector.values], ...answers });
}
