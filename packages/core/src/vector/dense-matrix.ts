import { invalidArgument, received } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import { float32Of } from "./json.ts";
import { sameDimension } from "./vector-checks.ts";

/**
 * Dense vectors of one width, stacked row by row in one `Float32Array`. Rows handed out are views, not copies.
 *
 * @example
 * const matrix = new DenseMatrix(new Float32Array([1, 2, 3, 4]), 2);
 * matrix.shape; // [2, 2]
 * matrix.row(1); // Float32Array [3, 4]
 */
export class DenseMatrix implements Iterable<Float32Array> {
  /** All rows, one behind the other. */
  readonly values: Float32Array;
  /** Width of a row. */
  readonly dimension: number;

  /** @throws SparseEncoderError `INVALID_ARGUMENT` if the values are not a Float32Array or do not fill whole rows */
  constructor(values: Float32Array, dimension: number) {
    if (!(values instanceof Float32Array)) {
      throw invalidArgument(`DenseMatrix: the values must be a Float32Array, received ${received(values)}.`);
    }
    if (!Number.isInteger(dimension) || dimension < 1 || values.length % dimension !== 0) {
      throw invalidArgument(
        `DenseMatrix: ${values.length} values do not fill rows of ${received(dimension)}.`,
      );
    }
    this.values = values;
    this.dimension = dimension;
  }

  /** Puts matrices of one width below each other. `dimension` counts for an empty list only. */
  static concat(matrices: readonly DenseMatrix[], dimension: number): DenseMatrix {
    const width = matrices[0]?.dimension ?? dimension;
    for (const matrix of matrices) sameDimension("DenseMatrix.concat", { dimension: width }, matrix);
    const values = new Float32Array(matrices.reduce((sum, matrix) => sum + matrix.values.length, 0));
    let filled = 0;
    for (const matrix of matrices) {
      values.set(matrix.values, filled);
      filled += matrix.values.length;
    }
    return new DenseMatrix(values, width);
  }

  /**
   * From what {@link DenseMatrix.toJSON} gives: rows of numbers.
   * @param dimension width of a row; needed for an empty list only
   * @throws SparseEncoderError `INVALID_ARGUMENT` or `INVALID_VECTOR`
   */
  static fromJSON(rows: readonly (readonly number[])[], dimension?: number): DenseMatrix {
    if (!Array.isArray(rows)) {
      throw invalidArgument(`DenseMatrix.fromJSON: expected rows of numbers, received ${received(rows)}.`);
    }
    const width = dimension ?? rows[0]?.length;
    if (width === undefined) {
      throw invalidArgument("DenseMatrix.fromJSON: an empty list needs the dimension as second argument.");
    }
    const matrices = rows.map((row, position) => new DenseMatrix(float32Of(`row ${position}`, row), width));
    const wrong = matrices.findIndex((matrix) => matrix.length !== 1);
    if (wrong === -1) return DenseMatrix.concat(matrices, width);
    throw invalidArgument(
      `DenseMatrix.fromJSON: row ${wrong} has ${matrices[wrong]!.values.length} numbers, expected ${width}.`,
    );
  }

  /** [number of rows, width]. */
  get shape(): [rows: number, dimension: number] {
    return [this.length, this.dimension];
  }

  /** Number of rows. */
  get length(): number {
    return this.values.length / this.dimension;
  }

  /** Bytes of the values. */
  get byteLength(): number {
    return this.values.byteLength;
  }

  /**
   * Row `position` as a view.
   * @throws SparseEncoderError `INVALID_ARGUMENT` if there is no such row
   */
  row(position: number): Float32Array {
    if (!Number.isInteger(position) || position < 0 || position >= this.length) {
      throw invalidArgument(
        `row: the matrix has rows 0 to ${this.length - 1}, received ${received(position)}.`,
      );
    }
    return this.values.subarray(position * this.dimension, (position + 1) * this.dimension);
  }

  /** The rows, in their order. */
  *[Symbol.iterator](): IterableIterator<Float32Array> {
    for (let position = 0; position < this.length; position++) yield this.row(position);
  }

  /** Rows [start, end) as a matrix that shares the values; negative positions count from the end. */
  slice(start?: number, end?: number): DenseMatrix {
    const { dimension } = this;
    const place = (position: number | undefined) =>
      position === undefined ? undefined : position * dimension;
    return new DenseMatrix(this.values.subarray(place(start), place(end)), dimension);
  }

  /**
   * The first `dimension` numbers of each row.
   * @throws SparseEncoderError `INVALID_ARGUMENT` unless `dimension` is from 1 to the width
   */
  truncate(dimension: number): DenseMatrix {
    positiveInteger("truncate: dimension", dimension, this.dimension);
    if (dimension === this.dimension) return this;
    const cut = new Float32Array(this.length * dimension);
    for (let position = 0; position < this.length; position++) {
      cut.set(this.row(position).subarray(0, dimension), position * dimension);
    }
    return new DenseMatrix(cut, dimension);
  }

  /** Each row scaled to length 1; rows of zeros stay. */
  normalize(): DenseMatrix {
    const scaled = this.values.slice();
    for (let position = 0; position < this.length; position++) {
      const row = scaled.subarray(position * this.dimension, (position + 1) * this.dimension);
      const norm = Math.max(Math.hypot(...row), 1e-12);
      for (let index = 0; index < row.length; index++) row[index]! /= norm;
    }
    return new DenseMatrix(scaled, this.dimension);
  }

  /** The rows as plain arrays, as request bodies of vector databases take them. */
  toJSON(): number[][] {
    return Array.from(this, (row) => Array.from(row));
  }

  /** What `console.log` and `util.inspect` show: `DenseMatrix 3 x 384`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `DenseMatrix ${this.length} x ${this.dimension}`;
  }
}
