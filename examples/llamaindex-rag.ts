// Answers a question from the Cranfield collection with LlamaIndex.TS: learned sparse vectors and BM25, fused. No key, no
// network: the language model is a fake that quotes the best document.
// Usage: pnpm exec tsx examples/llamaindex-rag.ts ["your question"]
import { BaseLLM, type ChatResponse, type ChatResponseChunk } from "@llamaindex/core/llms";
import { Bm25Encoder, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import {
  HybridRetriever,
  HybridVectorStore,
  NoDenseEmbedding,
  SparseEmbedding,
} from "@sparse-encoder/llamaindex";
import { MetadataMode, RetrieverQueryEngine, Settings, TextNode } from "llamaindex";
import { readCranfield } from "./cranfield.ts";

/** A fake: answers with the first sentence of what it is given to read. */
class QuotingModel extends BaseLLM {
  metadata = {
    model: "quoting",
    temperature: 0,
    topP: 1,
    contextWindow: 8192,
    tokenizer: undefined,
    structuredOutput: false,
  };

  override chat(params: {
    messages: { content: unknown }[];
  }): Promise<ChatResponse & AsyncIterable<ChatResponseChunk>> {
    const prompt = String(params.messages.at(-1)?.content);
    const context = prompt.split("---------------------")[1] ?? "";
    const content = `"${context.trim().split(" . ")[0]}."`;
    return Promise.resolve({ message: { content, role: "assistant" }, raw: null } as ChatResponse &
      AsyncIterable<ChatResponseChunk>);
  }
}

const question =
  process.argv[2] ?? "What similarity laws must be obeyed by aeroelastic models of heated aircraft?";
Settings.llm = new QuotingModel();

// The first 300 documents, so that it takes seconds.
const nodes = readCranfield()
  .documents.slice(0, 300)
  .map(
    ({ id, text }) =>
      new TextNode({
        id_: id,
        text,
        metadata: { length: text.length },
        excludedEmbedMetadataKeys: ["length"],
        excludedLlmMetadataKeys: ["length"],
      }),
  );

await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 256 });
const keywords = new Bm25Encoder();
await keywords.fit(nodes.map(({ text }) => text));

const stores = [encoder, keywords].map(
  (one) =>
    new HybridVectorStore({
      store: new MemoryStore(),
      sparseEmbedding: new SparseEmbedding({ encoder: one }),
      embedModel: new NoDenseEmbedding(),
    }),
);
for (const vectorStore of stores) await vectorStore.add(nodes);

const retriever = new HybridRetriever({
  retrievers: stores.map((vectorStore) => vectorStore.asRetriever({ mode: "sparse", similarityTopK: 50 })),
  mode: "relative_score",
  similarityTopK: 3,
});
for (const { node, score } of await retriever.retrieve(question)) {
  console.log(`${score?.toFixed(3)}  ${node.id_}  ${node.getContent(MetadataMode.NONE).slice(0, 80)}`);
}

const answer = await new RetrieverQueryEngine(retriever).query({ query: question });
console.log(`\nQ ${question}\nA ${answer.message.content}`);

const filters = { filters: [{ key: "length", operator: "<" as const, value: 600 }] };
const short = await retriever.retrieve(question, { filters });
console.log(`\nAmong short documents: ${short.map(({ node }) => node.id_).join(", ")}`);
