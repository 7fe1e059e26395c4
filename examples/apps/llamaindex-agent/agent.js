// An agent that searches documents before it answers. Usage: npm start -- "Where is the main valve?"
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { agent, agentToolCallEvent } from "@llamaindex/workflow";
import { Bm25Encoder, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import {
  HybridRetriever,
  HybridVectorStore,
  NoDenseEmbedding,
  SparseEmbedding,
} from "@sparse-encoder/llamaindex";
import { FunctionTool, MetadataMode, TextNode } from "llamaindex";
import { QuotingModel } from "./quoting-model.js";

const question = process.argv.slice(2).join(" ") || "What does error E17 of the heat pump mean?";
const folder = process.env.DOCUMENTS ?? fileURLToPath(new URL("../documents", import.meta.url));

// Learned sparse vectors find what is meant, keywords find names and numbers.
const encoder = await SparseEncoder.load();
const nodes = await readNodes(folder);
const stores = [encoder, new Bm25Encoder()].map(
  (encoder) =>
    new HybridVectorStore({
      store: new MemoryStore(),
      sparseEmbedding: new SparseEmbedding({ encoder }),
      embedModel: new NoDenseEmbedding(),
    }),
);
for (const store of stores) await store.add(nodes);
const retriever = new HybridRetriever({
  retrievers: stores.map((store) => store.asRetriever({ mode: "sparse", similarityTopK: 10 })),
  similarityTopK: 3,
});

const search = FunctionTool.from(
  async ({ query }) => {
    const found = await retriever.retrieve({ query });
    return found.map(({ node }, place) => `[${place + 1}] ${node.getContent(MetadataMode.NONE)}`).join("\n");
  },
  {
    name: "search_documents",
    description: "Finds passages of the house's documents that answer a question",
    parameters: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
  },
);

const house = agent({
  name: "house",
  tools: [search],
  // The one line that changes: openai({ model: "…" }) of @llamaindex/openai, or any other model that calls tools.
  llm: new QuotingModel("search_documents"),
  systemPrompt: "Answer questions about the house. Search its documents first, and name the passages.",
});

const events = house.runStream(question);
for await (const event of events) {
  if (agentToolCallEvent.include(event)) {
    console.log(`Search: ${JSON.stringify(event.data.toolKwargs)}`);
  } else if (event.data?.result !== undefined) console.log(`Answer: ${event.data.result}`);
}
await encoder.close();

/** A node per paragraph of the Markdown files of a folder. */
async function readNodes(folder) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".md")).sort();
  const files = await Promise.all(names.map((name) => readFile(`${folder}/${name}`, "utf8")));
  return files.flatMap((text, file) =>
    text
      .split(/\n\s*\n/)
      .slice(1)
      .map(
        (text, number) =>
          new TextNode({ id_: `${names[file]}#${number + 1}`, text: text.replace(/\s+/g, " ").trim() }),
      ),
  );
}
