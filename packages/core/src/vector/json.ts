import { received } from "../errors.ts";
import { checkArray, invalidVector } from "./vector-checks.ts";

/** A sparse vector as JSON, as request bodies of vector databases take it. */
export interface SparseVectorJson {
  /** The active dims, rising. */
  indices: number[];
  /** Their weights. */
  values: number[];
}

/** A sparse matrix as JSON: compressed sparse rows. */
export interface SparseMatrixJson {
  /** [rows, dimension]. */
  shape: [rows: number, dimension: number];
  /** Row i holds the entries from `offsets[i]` to `offsets[i + 1]`. */
  offsets: number[];
  /** The active dims of each row, rising. */
  indices: number[];
  /** The weights of each row, in the order of `indices`. */
  values: number[];
}

/** Numbers of JSON as unsigned integers; one that does not fit is an error, not another number. */
export function uint32Of(name: string, numbers: unknown): Uint32Array {
  checkArray(name, numbers);
  const list = numbers as ArrayLike<number>;
  const converted = Uint32Array.from(list);
  refuseChanged(name, list, converted);
  return converted;
}

/** Numbers of JSON as float32; `null`, which stands for NaN and infinity in JSON, is an error. */
export function float32Of(name: string, numbers: unknown): Float32Array {
  checkArray(name, numbers);
  const list = numbers as ArrayLike<number>;
  for (let position = 0; position < list.length; position++) {
    if (typeof list[position] !== "number") {
      throw invalidVector(
        `${name} must be numbers, received ${received(list[position])} at position ${position}`,
      );
    }
  }
  return Float32Array.from(list);
}

function refuseChanged(name: string, list: ArrayLike<number>, converted: Uint32Array): void {
  for (let position = 0; position < list.length; position++) {
    if (list[position] !== converted[position]) {
      throw invalidVector(
        `${name} must be whole numbers from 0 to 2^32 - 1, received ${received(list[position])} at position ${position}`,
      );
    }
  }
}
