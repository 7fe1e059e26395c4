import { SparseVector, type StoredDocument } from "@sparse-encoder/core";

/** Vectors of the documents of {@link smallDocument}. */
export const smallVectors = {
  sparse: { kind: "sparse", dimension: 10 },
  dense: { kind: "dense", dimension: 2 },
} as const;

/** A document with one active dim, and a dense vector of length 5. */
export function smallDocument(id: string, text = ""): StoredDocument {
  return {
    id,
    text,
    metadata: { year: 1 },
    vectors: { sparse: SparseVector.from({ 1: 1 }, 10), dense: Float32Array.of(3, 4) },
  };
}

/** Resolves with the code of the error that a promise rejects with, undefined if it resolves. */
export function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: { code: string }) => error.code,
  );
}
