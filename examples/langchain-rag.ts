// Retrieval-augmented generation with LangChain.js: documents are split, stored on disk with sparse and keyword vectors, found
// by a hybrid retriever, and handed to a chat model. Runs offline and without a key: the chat model is a fake.
// Usage: tsx examples/langchain-rag.ts ["your question"]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { RunnablePassthrough, RunnableSequence } from "@langchain/core/runnables";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";
import { Bm25Encoder, MemoryStore } from "@sparse-encoder/core";
import { HybridRetriever, SparseEmbeddings, SparseVectorStore } from "@sparse-encoder/langchain";
import { readCranfield } from "./cranfield.ts";

const question = process.argv[2] ?? "How is heat transferred to a blunt body in supersonic flow?";

// Documents, split so that a piece fits the model.
const abstracts = readCranfield()
  .documents.slice(0, 200)
  .map(({ id, text }) => new Document({ pageContent: text, metadata: { abstract: id } }));
const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 600, chunkOverlap: 60 });
const pieces = await splitter.splitDocuments(abstracts);

// A store in a folder: what is added survives the end of the process. A real application keeps the folder.
const folder = await mkdtemp(path.join(tmpdir(), "langchain-rag-"));
const store = await MemoryStore.open(folder);
const embeddings = await SparseEmbeddings.fromModel();
const keywords = new Bm25Encoder();
await keywords.fit(pieces.map(({ pageContent }) => pageContent));
const keywordEmbeddings = new SparseEmbeddings({ encoder: keywords });

const vectors = new SparseVectorStore(embeddings, { store });
const ids = await vectors.addDocuments(pieces);
console.log(`Stored ${ids.length} pieces of ${abstracts.length} abstracts`);

// A second store of keyword vectors, over the same ids, as the second arm.
const keywordStore = new MemoryStore();
await new SparseVectorStore(keywordEmbeddings, { store: keywordStore, vector: "keyword" }).addDocuments(
  pieces,
  {
    ids,
  },
);
const retriever = new HybridRetriever({
  arms: {
    sparse: { embeddings, store },
    keyword: { embeddings: keywordEmbeddings, store: keywordStore },
  },
  k: 4,
  scoreKey: "scores",
});

const prompt = ChatPromptTemplate.fromTemplate(
  "Answer from these sources only, and name them.\n\n{context}\n\nQuestion: {question}",
);
// The one line that changes: new ChatOpenAI({ model: "…" }), or any other chat model of LangChain.
const model = new FakeListChatModel({
  responses: ["(A chat model would answer here, from the sources above.)"],
});

const format = (documents: DocumentInterface[]) =>
  documents.map(({ pageContent, metadata }) => `[${metadata.abstract}] ${pageContent}`).join("\n\n");
const chain = RunnableSequence.from([
  { context: retriever.pipe(format), question: new RunnablePassthrough<string>() },
  prompt,
  model,
  new StringOutputParser(),
]);

console.log(`\nQuestion: ${question}\n\nSources:`);
for (const { pageContent, metadata } of await retriever.invoke(question)) {
  const arms = Object.entries(metadata.scores.arms as Record<string, { rank: number }>)
    .map(([arm, { rank }]) => `${arm} ${rank}`)
    .join(", ");
  console.log(`[${metadata.abstract}] ${pageContent.slice(0, 70).replaceAll("\n", " ")}… (${arms})`);
}
console.log(`\nAnswer: ${await chain.invoke(question)}`);

await embeddings.close();
await store.close();
await rm(folder, { recursive: true });
