import { type EmbeddingMatrix, isSparseMatrix, type SparsityStatistics, sparsity } from "../vector/index.ts";

/** Counts, over matrices of one dimension, in how many rows each dim is active. */
export class SparsityTally {
  private counts = new Float64Array(0);
  private rows = 0;
  private entries = 0;

  /** Adds all rows of a matrix; the rows of a dense matrix, whose dims are all active, do not count. */
  add(matrix: EmbeddingMatrix): void {
    if (!isSparseMatrix(matrix)) return;
    if (this.counts.length === 0) this.counts = new Float64Array(matrix.dimension);
    for (const { indices } of matrix) {
      for (const index of indices) this.counts[index]!++;
    }
    this.rows += matrix.length;
    this.entries += matrix.activeDims;
  }

  /** Mean active dims and sparsity ratio of all rows; undefined without rows. */
  get statistics(): SparsityStatistics | undefined {
    const dimension = this.counts.length;
    if (this.rows === 0) return undefined;
    if (dimension === 0) return { activeDims: 0, sparsityRatio: 1 };
    const activeDims = this.entries / this.rows;
    return { activeDims, sparsityRatio: 1 - activeDims / dimension };
  }

  /**
   * Mean number of dims that a row here and a row there have both active, over all such pairs: the multiplications that
   * scoring one document for one query takes. Called FLOPS by sentence-transformers (Paria et al., 2020).
   */
  sharedDims(other: SparsityTally): number {
    if (this.rows === 0 || other.rows === 0) return 0;
    let sum = 0;
    for (let index = 0; index < this.counts.length; index++) {
      sum += this.counts[index]! * (other.counts[index] ?? 0);
    }
    return sum / this.rows / other.rows;
  }

  /** Tallies joined into a new one. */
  static join(tallies: readonly SparsityTally[]): SparsityTally {
    const joined = new SparsityTally();
    for (const { counts, rows, entries } of tallies) {
      if (joined.counts.length === 0) joined.counts = new Float64Array(counts.length);
      for (let index = 0; index < counts.length; index++) joined.counts[index]! += counts[index]!;
      joined.rows += rows;
      joined.entries += entries;
    }
    return joined;
  }
}

/** How sparse embeddings are; undefined for dense ones. */
export function sparsityOf(matrix: EmbeddingMatrix): SparsityStatistics | undefined {
  return isSparseMatrix(matrix) ? sparsity(matrix) : undefined;
}

/** The mean of statistics, which counts each of them alike; undefined if one is missing. */
export function meanSparsity(
  list: readonly (SparsityStatistics | undefined)[],
): SparsityStatistics | undefined {
  const sum = { activeDims: 0, sparsityRatio: 0 };
  for (const statistics of list) {
    if (statistics === undefined) return undefined;
    sum.activeDims += statistics.activeDims;
    sum.sparsityRatio += statistics.sparsityRatio;
  }
  return { activeDims: sum.activeDims / list.length, sparsityRatio: sum.sparsityRatio / list.length };
}

/** Statistics under the reference's names, such as `query_active_dims`; without a prefix for `""`. Nothing for undefined. */
export function sparsityMetrics(
  prefix: string,
  statistics: SparsityStatistics | undefined,
): Record<string, number> {
  if (statistics === undefined) return {};
  const start = prefix === "" ? "" : `${prefix}_`;
  return {
    [`${start}active_dims`]: statistics.activeDims,
    [`${start}sparsity_ratio`]: statistics.sparsityRatio,
  };
}
