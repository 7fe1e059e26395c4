import { SparseVector, type StoredDocument } from "@sparse-encoder/core";

/** Vectors of {@link randomCollection}. */
export const collectionVectors = {
  sparse: { kind: "sparse", dimension: 30_522 },
  dense: { kind: "dense", dimension: 32 },
} as const;

/** Documents with about this number of active dims of unequal frequency, the same in every run. */
export function* randomCollection(
  count: number,
  activeDims = 40,
  dimension: number = collectionVectors.dense.dimension,
): Generator<StoredDocument> {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let number = 0; number < count; number++) {
    const weights: Record<number, number> = {};
    for (let term = 0; term < activeDims; term++)
      weights[Math.floor(30_522 * next() ** 3)] = 0.1 + 2 * next();
    yield {
      id: `document ${number}`,
      text: `text of ${number}`,
      metadata: { number, tags: [`t${number % 7}`, `u${number % 11}`] },
      vectors: {
        sparse: SparseVector.from(weights, 30_522),
        dense: Float32Array.from({ length: dimension }, () => next() - 0.5),
      },
    };
  }
}
