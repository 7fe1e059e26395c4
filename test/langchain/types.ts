// Compiled by `pnpm check`, never run: what the types of @sparse-encoder/langchain allow, and what they refuse.
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { BaseRetrieverInterface } from "@langchain/core/retrievers";
import type { VectorStore, VectorStoreRetriever } from "@langchain/core/vectorstores";
import type { RecordSparseValues } from "@pinecone-database/pinecone";
import type { QdrantClient, Schemas } from "@qdrant/js-client-rest";
import { type Filter, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import {
  createRetrieverTool,
  type DenseEmbeddings,
  HybridRetriever,
  HybridVectorStore,
  SparseEmbeddings,
  type SparseEmbeddingsInterface,
  SparseVectorStore,
} from "@sparse-encoder/langchain";
import type { SparseVector as ChromaSparseVector, SparseEmbeddingFunction } from "chromadb";

export async function clientsOfVectorDatabases(qdrant: QdrantClient): Promise<void> {
  const embeddings = new SparseEmbeddings({ encoder: await SparseEncoder.load() });
  const [vector] = await embeddings.embedDocuments(["text"]);
  const query = await embeddings.embedQuery("text");
  await qdrant.upsert("documents", { points: [{ id: 1, vector: { sparse: vector! }, payload: {} }] });
  await qdrant.query("documents", { query, using: "sparse" });
  query satisfies Schemas["SparseVector"];
  query satisfies RecordSparseValues;
  query satisfies ChromaSparseVector;
  ({
    generate: (texts) => embeddings.embedDocuments(texts),
    generateForQueries: (texts) => Promise.all(texts.map((text) => embeddings.embedQuery(text))),
  }) satisfies Pick<SparseEmbeddingFunction, "generate" | "generateForQueries">;
}

export async function sparseIsNotDense(sparse: SparseEmbeddings, dense: DenseEmbeddings): Promise<void> {
  sparse satisfies SparseEmbeddingsInterface;
  dense satisfies EmbeddingsInterface;
  // @ts-expect-error: sparse embeddings where dense ones are expected
  sparse satisfies EmbeddingsInterface;
  const store = new MemoryStore();
  new HybridVectorStore(dense, { store, sparseEmbeddings: sparse, mode: "hybrid" }) satisfies VectorStore;
  // @ts-expect-error: sparse embeddings where dense ones are expected
  new HybridVectorStore(sparse, { store });
  // @ts-expect-error: dense embeddings where sparse ones are expected
  new HybridVectorStore(dense, { store, sparseEmbeddings: dense });
  // @ts-expect-error: dense embeddings where sparse ones are expected
  new SparseVectorStore(dense, { store });
  // @ts-expect-error: dense embeddings where sparse ones are expected
  await SparseVectorStore.fromTexts(["text"], {}, dense, { store });
}

export async function optionsByName(sparse: SparseEmbeddings, signal: AbortSignal): Promise<void> {
  await sparse.embedDocuments(["text"], {
    signal,
    prompt: "",
    promptName: "query",
    batchSize: 8,
    maxActiveDims: 64,
  });
  await SparseEmbeddings.fromModel("model", { device: "cpu", maxActiveDims: 64 });
  // @ts-expect-error: unknown option
  await sparse.embedQuery("text", { size: 8 });
  // @ts-expect-error: unknown option
  new SparseEmbeddings({ encoder: sparse.encoder, retries: 2 });
  // @ts-expect-error: no encoder
  new SparseEmbeddings({});

  const store = new MemoryStore();
  const vectors = await SparseVectorStore.fromTexts(["text"], [{ year: 2020 }], sparse, {
    store,
    vector: "splade",
  });
  await vectors.addDocuments([{ pageContent: "text", metadata: {} }], {
    ids: ["1"],
    signal,
    onProgress: () => {},
  });
  const found: [{ pageContent: string }, number][] = await vectors.similaritySearchWithScore("text", 4, {
    year: { $gte: 2020 },
  });
  vectors.asRetriever({ k: 2, filter: { year: 2020 } }) satisfies VectorStoreRetriever<SparseVectorStore>;
  await vectors.delete({ ids: ["1"] });
  await vectors.delete({ filter: { year: 2020 } });
  // @ts-expect-error: neither ids nor filter
  await vectors.delete({ id: "1" });
  // @ts-expect-error: unknown option
  await vectors.addDocuments([], { id: ["1"] });
  // @ts-expect-error: a filter of another kind
  await vectors.similaritySearch("text", 4, (document: unknown) => document !== undefined);
  // @ts-expect-error: unknown mode
  new HybridVectorStore(undefined, { store, sparseEmbeddings: sparse, mode: "both" });
  // @ts-expect-error: unknown option
  new SparseVectorStore(sparse, { store, k: 4 });

  const filter: Filter = { $or: [{ year: 2020 }, { year: { $lt: 1960 } }] };
  const retriever = new HybridRetriever({
    arms: {
      sparse: { embeddings: sparse, store, k: 50, weight: 2, minScore: 1, filter, timeout: 100 },
      other: { retriever: vectors.asRetriever(), score: "score" },
      custom: { retrieve: async (queries, { k }) => queries.map((text) => [{ id: text, text, score: k }]) },
    },
    k: 4,
    fusion: "rrf",
    weights: { sparse: 1 },
    filter,
    scoreKey: "scores",
    onArmError: "degrade",
    idKey: ({ metadata }) => String(metadata.key),
    tags: ["search"],
  });
  retriever satisfies BaseRetrieverInterface;
  await retriever.invoke("text", { signal, timeout: 100, configurable: { k: 2 } });
  // @ts-expect-error: no string
  await retriever.invoke(5);
  // @ts-expect-error: arms or a retriever
  new HybridRetriever({ k: 4 });
  // @ts-expect-error: unknown option
  new HybridRetriever({ arms: {}, topK: 4 });
  // @ts-expect-error: unknown fusion
  new HybridRetriever({ arms: {}, fusion: "sum" });
  // @ts-expect-error: an arm without a store
  new HybridRetriever({ arms: { sparse: { embeddings: sparse } } });
  createRetrieverTool(retriever, { name: "search", description: "Searches" });
  // @ts-expect-error: no description
  createRetrieverTool(retriever, { name: "search" });
  found satisfies unknown[];
}
