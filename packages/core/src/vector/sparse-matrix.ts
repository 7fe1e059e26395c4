import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import { float32Of, type SparseMatrixJson, uint32Of } from "./json.ts";
import { SparseVector, TRUSTED } from "./sparse-vector.ts";
import { copyTopDims } from "./top-dims.ts";
import { checkDimension, checkEntries, checkTolerance, type Tolerance } from "./vector-checks.ts";

/**
 * Sparse vectors of one dimension, stacked: a matrix in compressed sparse row (CSR) form.
 *
 * Row i holds the entries `offsets[i]` to `offsets[i + 1]` of `indices` and `values`, each row by the rules of
 * {@link SparseVector}. Rows handed out are views into these arrays, not copies. The three arrays can be
 * transferred between threads ({@link SparseMatrix.transferList}).
 *
 * @example
 * const matrix = SparseMatrix.fromRows([new SparseVector([1], [2], 4), new SparseVector([], [], 4)]);
 * matrix.shape; // [2, 4]
 * for (const row of matrix) row.activeDims; // 1, 0
 */
export class SparseMatrix implements Iterable<SparseVector> {
  /** Where each row begins in `indices` and `values`, and where the last one ends: rows + 1 numbers. */
  readonly offsets: Uint32Array;
  /** The active dims of all rows, one row after the other, rising in each. */
  readonly indices: Uint32Array;
  /** The weights, in the order of `indices`. */
  readonly values: Float32Array;
  /** Width of a row. */
  readonly dimension: number;

  /**
   * @param offsets n + 1 numbers that never fall, from 0 to the number of entries
   * @param indices dimension numbers, strictly rising within a row
   * @param values weights, one per index
   * @param dimension length of each row
   * @throws SparseEncoderError `INVALID_VECTOR`
   */
  constructor(
    offsets: Uint32Array,
    indices: Uint32Array,
    values: Float32Array,
    dimension: number,
    /** @internal */ trust?: typeof TRUSTED,
  ) {
    if (trust !== TRUSTED) checkMatrix(offsets, indices, values, dimension);
    this.offsets = offsets;
    this.indices = indices;
    this.values = values;
    this.dimension = dimension;
  }

  /** Stacks vectors of equal dimension. `dimension` is needed for an empty list only. */
  static fromRows(rows: Iterable<SparseVector>, dimension?: number): SparseMatrix {
    const list = [...rows];
    const wrong = list.findIndex((row) => !(row instanceof SparseVector) && !isVectorLike(row));
    if (wrong !== -1) {
      throw invalidArgument(
        `SparseMatrix.fromRows: row ${wrong} must be a SparseVector, received ${received(list[wrong])}; dense rows are read by SparseMatrix.fromDense.`,
      );
    }
    const width = dimension ?? list[0]?.dimension;
    if (width === undefined) {
      throw invalidArgument("SparseMatrix.fromRows: an empty list needs the dimension as second argument.");
    }
    checkDimension(width);
    const offsets = new Uint32Array(list.length + 1);
    list.forEach((row, position) => {
      if (row.dimension !== width) {
        throw new SparseEncoderError(
          "INVALID_VECTOR",
          `SparseMatrix.fromRows: row ${position} has ${row.dimension} dimensions, expected ${width}.`,
        );
      }
      offsets[position + 1] = offsets[position]! + row.activeDims;
    });
    const indices = new Uint32Array(offsets[list.length]!);
    const values = new Float32Array(indices.length);
    list.forEach((row, position) => {
      indices.set(row.indices, offsets[position]!);
      values.set(row.values, offsets[position]!);
    });
    return new SparseMatrix(offsets, indices, values, width, TRUSTED);
  }

  /** From dense rows of equal length; what is zero in float32 is left out. `dimension` is needed for an empty list only. */
  static fromDense(rows: Iterable<ArrayLike<number>>, dimension?: number): SparseMatrix {
    return SparseMatrix.fromRows(
      Array.from(rows, (row) => SparseVector.fromDense(row)),
      dimension,
    );
  }

  /**
   * From what {@link SparseMatrix.toJSON} gives, also after `JSON.stringify` and `JSON.parse`.
   * @throws SparseEncoderError `INVALID_VECTOR`
   */
  static fromJSON(json: SparseMatrixJson): SparseMatrix {
    const { shape, offsets, indices, values } = json ?? {};
    const rows = uint32Of("offsets", offsets);
    if (!Array.isArray(shape) || shape.length !== 2 || shape[0] !== rows.length - 1) {
      throw new SparseEncoderError(
        "INVALID_VECTOR",
        `SparseMatrix.fromJSON: shape must be [rows, dimension], of as many rows as offsets has less one, received ${received(shape)}.`,
      );
    }
    return new SparseMatrix(rows, uint32Of("indices", indices), float32Of("values", values), shape[1]);
  }

  /** Puts matrices of one dimension below each other. */
  static concat(matrices: readonly SparseMatrix[], dimension: number): SparseMatrix {
    const only = matrices.length === 1 ? matrices[0] : undefined;
    if (only?.dimension === dimension) return only;
    return SparseMatrix.fromRows(
      (function* () {
        for (const matrix of matrices) yield* matrix;
      })(),
      dimension,
    );
  }

  /** [number of rows, dimension]. */
  get shape(): [rows: number, dimension: number] {
    return [this.length, this.dimension];
  }

  /** Number of rows. */
  get length(): number {
    return this.offsets.length - 1;
  }

  /** Number of stored (non-zero) entries of all rows. */
  get activeDims(): number {
    return this.offsets[this.length]! - this.offsets[0]!;
  }

  /** Bytes of the stored offsets, indices and values. */
  get byteLength(): number {
    return this.offsets.byteLength + this.activeDims * 8;
  }

  /**
   * The buffers to hand over with `postMessage`; the matrix, and all that shares entries with it (rows, slices), is
   * unusable on this side afterwards.
   */
  get transferList(): ArrayBufferLike[] {
    // A buffer that is listed twice cannot be handed over.
    return [...new Set([this.offsets.buffer, this.indices.buffer, this.values.buffer])];
  }

  /** Row `position` as a view, or undefined beyond the end; negative positions count from the end. */
  at(position: number): SparseVector | undefined {
    const row = position < 0 ? this.length + position : position;
    return Number.isInteger(row) && row >= 0 && row < this.length ? this.view(row) : undefined;
  }

  /**
   * Row `position` as a view.
   * @throws SparseEncoderError `INVALID_ARGUMENT` if there is no such row
   */
  row(position: number): SparseVector {
    const row = this.at(position);
    if (row === undefined || position < 0) {
      throw invalidArgument(
        `row: the matrix has rows 0 to ${this.length - 1}, received ${received(position)}.`,
      );
    }
    return row;
  }

  /** The rows, in their order. */
  *[Symbol.iterator](): IterableIterator<SparseVector> {
    for (let row = 0; row < this.length; row++) yield this.view(row);
  }

  /** Rows [start, end) as a matrix that shares the entries; negative positions count from the end. */
  slice(start?: number, end?: number): SparseMatrix {
    const rows = this.offsets.subarray(0, this.length).slice(start, end);
    const first = rows.length === 0 ? 0 : normalise(start ?? 0, this.length);
    const begin = this.offsets[first]!;
    const stop = this.offsets[first + rows.length]!;
    const offsets = new Uint32Array(rows.length + 1);
    for (let row = 0; row <= rows.length; row++) offsets[row] = this.offsets[first + row]! - begin;
    return new SparseMatrix(
      offsets,
      this.indices.subarray(begin, stop),
      this.values.subarray(begin, stop),
      this.dimension,
      TRUSTED,
    );
  }

  /** The `count` entries of largest absolute weight of each row; see {@link SparseVector.topDims}. */
  topDims(count: number): SparseMatrix {
    positiveInteger("topDims: count", count);
    const offsets = new Uint32Array(this.length + 1);
    for (let row = 0; row < this.length; row++) {
      offsets[row + 1] = offsets[row]! + Math.min(count, this.offsets[row + 1]! - this.offsets[row]!);
    }
    const indices = new Uint32Array(offsets[this.length]!);
    const values = new Float32Array(indices.length);
    for (let row = 0; row < this.length; row++) {
      const [from, to] = [this.offsets[row]!, this.offsets[row + 1]!];
      copyTopDims(this.indices, this.values, from, to, count, indices, values, offsets[row]!);
    }
    return new SparseMatrix(offsets, indices, values, this.dimension, TRUSTED);
  }

  /** True if both have the same shape and all rows are equal; see {@link SparseVector.equals}. */
  equals(other: SparseMatrix, tolerance?: Tolerance): boolean {
    checkTolerance(tolerance);
    if (this.length !== other.length || this.dimension !== other.dimension) return false;
    for (let row = 0; row < this.length; row++) {
      if (!this.view(row).equals(other.view(row), tolerance)) return false;
    }
    return true;
  }

  /** The rows as an array of views. */
  toRows(): SparseVector[] {
    return [...this];
  }

  /** The mean of the rows: for each dim the sum of its weights, divided by the number of rows. */
  mean(): SparseVector {
    if (this.length === 0) throw invalidArgument("SparseMatrix.mean: the matrix has no rows.");
    const sums = new Map<number, number>();
    for (const row of this) {
      for (const [index, value] of row) sums.set(index, (sums.get(index) ?? 0) + value);
    }
    const means = Array.from(sums, ([index, sum]) => [index, sum / this.length] as const);
    return SparseVector.from(means, this.dimension);
  }

  /** One dense row per text. Mind the size: rows x dimension x 4 bytes. */
  toDense(): Float32Array[] {
    return Array.from(this, (row) => row.toDense());
  }

  /** Plain arrays in CSR form. */
  toJSON(): SparseMatrixJson {
    return {
      shape: this.shape,
      offsets: Array.from(this.offsets),
      indices: Array.from(this.indices),
      values: Array.from(this.values),
    };
  }

  /** What `console.log` and `util.inspect` show: `SparseMatrix 3 x 30522, 87 active`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `SparseMatrix ${this.length} x ${this.dimension}, ${this.indices.length} active`;
  }

  private view(row: number): SparseVector {
    const from = this.offsets[row]!;
    const to = this.offsets[row + 1]!;
    return new SparseVector(
      this.indices.subarray(from, to),
      this.values.subarray(from, to),
      this.dimension,
      TRUSTED,
    );
  }
}

/** A vector of another copy of this package. */
function isVectorLike(row: Partial<SparseVector> | null | undefined): boolean {
  return (
    typeof row?.dimension === "number" &&
    row.indices instanceof Uint32Array &&
    row.values instanceof Float32Array
  );
}

/** Where `slice` starts, by the rules of `Array.prototype.slice`. */
function normalise(start: number, length: number): number {
  const whole = Math.trunc(start) || 0;
  return whole < 0 ? Math.max(0, length + whole) : Math.min(whole, length);
}

function checkMatrix(
  offsets: Uint32Array,
  indices: Uint32Array,
  values: Float32Array,
  dimension: number,
): void {
  checkDimension(dimension);
  const invalid = (problem: string) =>
    new SparseEncoderError("INVALID_VECTOR", `Not a valid sparse matrix: ${problem}.`);
  if (!(offsets instanceof Uint32Array && indices instanceof Uint32Array && values instanceof Float32Array)) {
    throw invalid("offsets and indices must be Uint32Array, values Float32Array");
  }
  if (indices.length !== values.length) {
    throw invalid(`${indices.length} indices but ${values.length} values`);
  }
  if (offsets[0] !== 0) throw invalid(`offsets must start with 0, received ${received(offsets[0])}`);
  if (offsets[offsets.length - 1] !== indices.length) {
    throw invalid(
      `the last offset is ${offsets[offsets.length - 1]}, but there are ${indices.length} entries`,
    );
  }
  for (let row = 0; row + 1 < offsets.length; row++) {
    if (offsets[row + 1]! < offsets[row]!) throw invalid(`offsets fall at row ${row}`);
    checkEntries(indices, values, offsets[row]!, offsets[row + 1]!, dimension);
  }
}
