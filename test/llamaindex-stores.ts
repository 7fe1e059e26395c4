import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore, type Store } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import { DenseEncoderEmbedding, HybridVectorStore, SparseEmbedding } from "@sparse-encoder/llamaindex";

/** The stores that the adapter's behaviours are tried on: name, and what opens an empty one. */
export const storeKinds: readonly (readonly [name: string, open: () => Promise<Store>])[] = [
  ["memory", async () => new MemoryStore()],
  ["memory on disk", () => MemoryStore.open(temporaryFolder())],
];

const folders: string[] = [];

/** Is removed at the end of the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "llamaindex-"));
  if (folders.length === 0) {
    process.on("exit", () => {
      for (const one of folders) rmSync(one, { recursive: true, force: true });
    });
  }
  folders.push(folder);
  return folder;
}

/** Embeddings of the fakes: texts are alike if they share words. */
export function fakeEmbeddings() {
  return {
    sparseEmbedding: new SparseEmbedding({ encoder: new FakeSparseEncoder() }),
    embedModel: new DenseEncoderEmbedding({ encoder: new FakeDenseEmbedder() }),
  };
}

/** A vector store with fake embeddings over a new store in memory, unless another is given. */
export function fakeVectorStore(store: Store = new MemoryStore()): HybridVectorStore {
  return new HybridVectorStore({ store, ...fakeEmbeddings() });
}
