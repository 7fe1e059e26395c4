import type { SparseMatrix } from "./sparse-matrix.ts";
import type { SparseVector } from "./sparse-vector.ts";

/** How sparse embeddings are. */
export interface SparsityStatistics {
  /** Mean number of non-zero dimensions per row. */
  activeDims: number;
  /** Mean share of zero dimensions, from 0 to 1. */
  sparsityRatio: number;
}

/**
 * Mean active dims and sparsity ratio of one vector or of the rows of a matrix. Without rows or dimensions:
 * 0 and 1. Source: `SparseEncoder.sparsity` of sentence-transformers.
 */
export function sparsity(embeddings: SparseVector | SparseMatrix): SparsityStatistics {
  const rows = "offsets" in embeddings ? embeddings.length : 1;
  if (rows === 0 || embeddings.dimension === 0) return { activeDims: 0, sparsityRatio: 1 };
  const activeDims = embeddings.activeDims / rows;
  return { activeDims, sparsityRatio: 1 - activeDims / embeddings.dimension };
}
