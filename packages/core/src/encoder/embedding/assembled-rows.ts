import type { DenseRows, EncodedRows, SparseRows } from "../../runtime/index.ts";
import { DenseMatrix, SparseMatrix, TRUSTED } from "../../vector/index.ts";
import type { AssembleRows } from "./inference-embedder.ts";

/** Puts the sparse rows of all batches into the order of the texts. */
export function sparseRows(dimension: number): AssembleRows<SparseMatrix> {
  return (texts, batches, results) => {
    const offsets = new Uint32Array(texts + 1);
    forEachRow(batches, results as readonly SparseRows[], (position, row, rows) => {
      offsets[position + 1] = rows.offsets[row + 1]! - rows.offsets[row]!;
    });
    for (let row = 0; row < texts; row++) offsets[row + 1]! += offsets[row]!;
    const indices = new Uint32Array(offsets[texts]!);
    const values = new Float32Array(indices.length);
    forEachRow(batches, results as readonly SparseRows[], (position, row, rows) => {
      const [from, to] = [rows.offsets[row]!, rows.offsets[row + 1]!];
      indices.set(rows.indices.subarray(from, to), offsets[position]!);
      values.set(rows.values.subarray(from, to), offsets[position]!);
    });
    return new SparseMatrix(offsets, indices, values, dimension, TRUSTED);
  };
}

/** As {@link sparseRows}, for dense rows. */
export function denseRows(dimension: number): AssembleRows<DenseMatrix> {
  return (texts, batches, results) => {
    const values = new Float32Array(texts * dimension);
    forEachRow(batches, results as readonly DenseRows[], (position, row, { dense }) => {
      values.set(dense.subarray(row * dimension, (row + 1) * dimension), position * dimension);
    });
    return new DenseMatrix(values, dimension);
  };
}

function forEachRow<Rows extends EncodedRows>(
  batches: readonly (readonly number[])[],
  results: readonly Rows[],
  visit: (position: number, row: number, rows: Rows) => void,
): void {
  batches.forEach((batch, number) => {
    batch.forEach((position, row) => {
      visit(position, row, results[number]!);
    });
  });
}
