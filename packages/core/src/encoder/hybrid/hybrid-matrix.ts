import type { DenseMatrix, SparseMatrix, SparseVector } from "../../vector/index.ts";

/** The sparse and the dense vector of a text. */
export interface HybridVector {
  readonly sparse: SparseVector;
  readonly dense: Float32Array;
}

/** The sparse and the dense vectors of texts: row n of both is of text n. */
export class HybridMatrix implements Iterable<HybridVector> {
  readonly sparse: SparseMatrix;
  readonly dense: DenseMatrix;

  constructor(sparse: SparseMatrix, dense: DenseMatrix) {
    this.sparse = sparse;
    this.dense = dense;
  }

  /** Number of texts. */
  get length(): number {
    return this.sparse.length;
  }

  /** Both vectors of a text. */
  row(position: number): HybridVector {
    return { sparse: this.sparse.row(position), dense: this.dense.row(position) };
  }

  *[Symbol.iterator](): Generator<HybridVector, void, undefined> {
    for (let position = 0; position < this.length; position++) yield this.row(position);
  }
}
