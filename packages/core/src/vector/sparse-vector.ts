import { received } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import { float32Of, type SparseVectorJson, uint32Of } from "./json.ts";
import { copyTopDims } from "./top-dims.ts";
import {
  checkArray,
  checkTolerance,
  checkVector,
  invalidVector,
  isZero,
  sameDimension,
  type Tolerance,
} from "./vector-checks.ts";

/** Passed by code that has already ensured the rules of a vector, such as a row view of a checked matrix. */
export const TRUSTED: unique symbol = Symbol("trusted");

/** One dimension of a sparse vector: its index and its weight. */
export type SparseEntry = readonly [index: number, value: number];

/**
 * A sparse vector: `dimension` numbers; only the non-zero ones are stored.
 *
 * `indices` rise strictly and lie in [0, dimension); `values` are finite float32 and never zero. The
 * constructor checks this in O(active dims); everything after it relies on it. The arrays are not copied:
 * do not write to them.
 *
 * @example
 * const vector = new SparseVector([1, 4], [0.5, 2], 6);
 * vector.toDense(); // Float32Array [0, 0.5, 0, 0, 2, 0]
 */
export class SparseVector implements Iterable<SparseEntry> {
  /** The active dims, rising. */
  readonly indices: Uint32Array;
  /** Their weights, in the order of `indices`. */
  readonly values: Float32Array;
  /** Width of the vector, zeros included. */
  readonly dimension: number;

  /**
   * @param indices dimension numbers, strictly rising
   * @param values weights, one per index
   * @param dimension length of the vector, at most 2^32 - 1
   * @throws SparseEncoderError `INVALID_VECTOR`, naming the first position that breaks a rule
   */
  constructor(
    indices: Uint32Array | readonly number[],
    values: Float32Array | readonly number[],
    dimension: number,
    /** @internal */ trust?: typeof TRUSTED,
  ) {
    if (trust !== TRUSTED) checkVector(indices, values, dimension);
    this.indices = indices instanceof Uint32Array ? indices : Uint32Array.from(indices);
    this.values = values instanceof Float32Array ? values : Float32Array.from(values);
    this.dimension = dimension;
  }

  /**
   * From (index, weight) pairs in any order: a `Map`, an array of pairs, or an object with numeric keys.
   * Weights that are zero in float32 are left out; an index given twice is an error.
   */
  static from(
    entries: Iterable<SparseEntry> | Readonly<Record<number, number>>,
    dimension: number,
  ): SparseVector {
    if (typeof entries !== "object" || entries === null) {
      throw invalidVector(`expected (index, weight) pairs, received ${received(entries)}`);
    }
    if (!(Symbol.iterator in entries) && "indices" in entries && "values" in entries) {
      throw invalidVector("{ indices, values } is read by SparseVector.fromJSON(json, dimension)");
    }
    const pairs: SparseEntry[] =
      Symbol.iterator in entries
        ? [...(entries as Iterable<SparseEntry>)]
        : Object.entries(entries as Record<string, number>).map(([index, value]) => [Number(index), value]);
    const wrong = pairs.findIndex((pair) => !Array.isArray(pair) || pair.length !== 2);
    if (wrong !== -1) {
      throw invalidVector(`entry ${wrong} is not an (index, weight) pair: ${received(pairs[wrong])}`);
    }
    const kept = pairs.filter(([, value]) => !isZero(value)).sort((a, b) => a[0] - b[0]);
    return new SparseVector(
      kept.map(([index]) => index),
      kept.map(([, value]) => value),
      dimension,
    );
  }

  /** From one number per dimension; what is zero in float32 is left out. */
  static fromDense(dense: ArrayLike<number>): SparseVector {
    checkArray("the dense vector", dense);
    const indices: number[] = [];
    const values: number[] = [];
    for (let index = 0; index < dense.length; index++) {
      const value = dense[index]!;
      if (isZero(value)) continue;
      indices.push(index);
      values.push(value);
    }
    return new SparseVector(indices, values, dense.length);
  }

  /**
   * From what {@link SparseVector.toJSON} gives, also after `JSON.stringify` and `JSON.parse`.
   * @param dimension length of the vector, which the JSON does not hold
   * @throws SparseEncoderError `INVALID_VECTOR`
   */
  static fromJSON(json: SparseVectorJson, dimension: number): SparseVector {
    const { indices, values } = json ?? {};
    return new SparseVector(uint32Of("indices", indices), float32Of("values", values), dimension);
  }

  /** Number of stored (non-zero) dimensions. */
  get activeDims(): number {
    return this.indices.length;
  }

  /** Share of dimensions that are zero, from 0 to 1. */
  get sparsityRatio(): number {
    return this.dimension === 0 ? 1 : 1 - this.indices.length / this.dimension;
  }

  /** Bytes of the stored indices and values. */
  get byteLength(): number {
    return this.indices.byteLength + this.values.byteLength;
  }

  /** The weight at a dimension, 0 where none is stored. O(log active dims). */
  get(index: number): number {
    let low = 0;
    let high = this.indices.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.indices[middle]!;
      if (found === index) return this.values[middle]!;
      if (found < index) low = middle + 1;
      else high = middle - 1;
    }
    return 0;
  }

  /** Stored entries in rising order of index. */
  *[Symbol.iterator](): IterableIterator<SparseEntry> {
    for (let position = 0; position < this.indices.length; position++) {
      yield [this.indices[position]!, this.values[position]!];
    }
  }

  /** Dot product, summed in float64 over the dimensions active in both. */
  dot(other: SparseVector): number {
    sameDimension("dot", this, other);
    let sum = 0;
    let a = 0;
    let b = 0;
    while (a < this.indices.length && b < other.indices.length) {
      const left = this.indices[a]!;
      const right = other.indices[b]!;
      if (left === right) sum += this.values[a]! * other.values[b]!;
      if (left <= right) a++;
      if (right <= left) b++;
    }
    return sum;
  }

  /** Cosine of the angle between both; 0 if one of them has no active dims. */
  cosine(other: SparseVector): number {
    const norms = this.norm * other.norm;
    return norms === 0 ? 0 : this.dot(other) / norms;
  }

  /** Euclidean length. */
  get norm(): number {
    let sum = 0;
    for (const value of this.values) sum += value * value;
    return Math.sqrt(sum);
  }

  /**
   * The `count` entries of largest absolute weight, with their sign, as a new vector. Fewer if fewer are
   * active. At equal absolute weight the smaller index is kept.
   */
  topDims(count: number): SparseVector {
    positiveInteger("topDims: count", count);
    if (count >= this.activeDims) return this;
    const indices = new Uint32Array(count);
    const values = new Float32Array(count);
    copyTopDims(this.indices, this.values, 0, this.activeDims, count, indices, values, 0);
    return new SparseVector(indices, values, this.dimension, TRUSTED);
  }

  /** Entries by falling weight, equal weights by rising index; all of them, or the first `count`. */
  ranked(count?: number): SparseEntry[] {
    if (count !== undefined) positiveInteger("ranked: count", count);
    const entries = [...this].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return count === undefined ? entries : entries.slice(0, count);
  }

  /**
   * True if both vectors have the same dimension and no dimension differs by more than
   * `absolute + relative * |other|`. A dimension that is not stored counts as 0. Without options: exactly equal.
   */
  equals(other: SparseVector, tolerance?: Tolerance): boolean {
    const { absolute, relative } = checkTolerance(tolerance);
    if (this.dimension !== other.dimension) return false;
    let a = 0;
    let b = 0;
    while (a < this.indices.length || b < other.indices.length) {
      const left = this.indices[a] ?? Number.POSITIVE_INFINITY;
      const right = other.indices[b] ?? Number.POSITIVE_INFINITY;
      const mine = left <= right ? this.values[a++]! : 0;
      const theirs = right <= left ? other.values[b++]! : 0;
      if (Math.abs(mine - theirs) > absolute + relative * Math.abs(theirs)) return false;
    }
    return true;
  }

  /** One float32 per dimension. */
  toDense(): Float32Array {
    const dense = new Float32Array(this.dimension);
    for (let position = 0; position < this.indices.length; position++) {
      dense[this.indices[position]!] = this.values[position]!;
    }
    return dense;
  }

  /** Index to weight, in rising order of index. */
  toMap(): Map<number, number> {
    return new Map(this);
  }

  /**
   * Plain arrays, as request bodies of vector databases take them: `JSON.stringify(vector)` gives
   * `{"indices":[…],"values":[…]}`.
   */
  toJSON(): SparseVectorJson {
    return { indices: Array.from(this.indices), values: Array.from(this.values) };
  }

  /** What `console.log` and `util.inspect` show: `SparseVector 30522, 29 active`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `SparseVector ${this.dimension}, ${this.activeDims} active`;
  }
}
