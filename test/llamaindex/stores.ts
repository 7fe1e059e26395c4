import { MemoryStore, type Store } from "@sparse-encoder/core";
import type { VectorField } from "@sparse-encoder/core/stores";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import { DenseEmbedding, HybridVectorStore, SparseEmbedding } from "@sparse-encoder/llamaindex";

/** The vectors that {@link fakeEmbeddings} make. */
export const fakeVectors: { sparse: VectorField; dense: VectorField } = {
  sparse: { kind: "sparse", dimension: new FakeSparseEncoder().embeddingDimension },
  dense: { kind: "dense", dimension: new FakeDenseEmbedder().embeddingDimension },
};

/** Embeddings of the fakes: texts are alike if they share words. */
export function fakeEmbeddings() {
  return {
    sparseEmbedding: new SparseEmbedding({ encoder: new FakeSparseEncoder() }),
    embedModel: new DenseEmbedding({ encoder: new FakeDenseEmbedder() }),
  };
}

/** A vector store with fake embeddings over a new store in memory, unless another is given. */
export function fakeVectorStore(store: Store = new MemoryStore()): HybridVectorStore {
  return new HybridVectorStore({ store, ...fakeEmbeddings() });
}
