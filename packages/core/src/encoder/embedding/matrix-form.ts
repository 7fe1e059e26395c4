import type { WantedModel } from "../../model/index.ts";
import type { DenseRows, EncodedRows, SparseRows } from "../../runtime/index.ts";
import { DenseMatrix, SparseMatrix, TRUSTED } from "../../vector/index.ts";
import { HybridMatrix } from "../hybrid/hybrid-matrix.ts";

/** Rows of batches, which ran in any order. */
export interface BatchedRows {
  /** Number of all texts. */
  readonly texts: number;
  /** Batch n holds the texts at positions `batches[n]`. */
  readonly batches: readonly (readonly number[])[];
  /** The rows of each batch. */
  readonly rows: readonly EncodedRows[];
}

/** Where sparse and dense encoders differ: the models that they take, and what becomes of rows. */
export interface MatrixForm<Matrix> {
  /** Kind of model whose embeddings have this form. */
  readonly modelType: WantedModel;
  /**
   * Puts rows into the order of the texts.
   * @param dimension width of an embedding
   * @param vocabularySize number of token ids that the model knows
   */
  readonly assemble: (batched: BatchedRows, dimension: number, vocabularySize: number) => Matrix;
}

export const sparseForm: MatrixForm<SparseMatrix> = {
  modelType: "SparseEncoder",
  assemble({ texts, batches, rows }, dimension) {
    const parts = rows.map(asSparse);
    const offsets = new Uint32Array(texts + 1);
    forEachRow(batches, parts, (position, row, part) => {
      offsets[position + 1] = part.offsets[row + 1]! - part.offsets[row]!;
    });
    for (let row = 0; row < texts; row++) offsets[row + 1]! += offsets[row]!;
    const indices = new Uint32Array(offsets[texts]!);
    const values = new Float32Array(indices.length);
    forEachRow(batches, parts, (position, row, part) => {
      const [from, to] = [part.offsets[row]!, part.offsets[row + 1]!];
      indices.set(part.indices.subarray(from, to), offsets[position]!);
      values.set(part.values.subarray(from, to), offsets[position]!);
    });
    return new SparseMatrix(offsets, indices, values, dimension, TRUSTED);
  },
};

export const denseForm: MatrixForm<DenseMatrix> = {
  modelType: "SentenceTransformer",
  assemble({ texts, batches, rows }, dimension) {
    const values = new Float32Array(texts * dimension);
    forEachRow(batches, rows.map(asDense), (position, row, { dense }) => {
      values.set(dense.subarray(row * dimension, (row + 1) * dimension), position * dimension);
    });
    return new DenseMatrix(values, dimension);
  },
};

/** Numbers of the labels of pairs: a dense row per pair. */
export const scoreForm: MatrixForm<DenseMatrix> = { ...denseForm, modelType: "CrossEncoder" };

/** Sparse and dense rows of one run. */
export const hybridForm: MatrixForm<HybridMatrix> = {
  modelType: "HybridEncoder",
  assemble: (batched, dimension, vocabularySize) =>
    new HybridMatrix(
      sparseForm.assemble(batched, vocabularySize, vocabularySize),
      denseForm.assemble(batched, dimension, vocabularySize),
    ),
};

function asSparse(rows: EncodedRows): SparseRows {
  if ("offsets" in rows) return rows;
  throw new Error("a sparse model gave dense rows");
}

function asDense(rows: EncodedRows): DenseRows {
  if ("dense" in rows) return rows;
  throw new Error("a dense model gave sparse rows");
}

function forEachRow<Rows>(
  batches: readonly (readonly number[])[],
  parts: readonly Rows[],
  visit: (position: number, row: number, part: Rows) => void,
): void {
  batches.forEach((batch, number) => {
    batch.forEach((position, row) => {
      visit(position, row, parts[number]!);
    });
  });
}
