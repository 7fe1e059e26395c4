import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { declareOptions, rule } from "../options/index.ts";

/** By how much numbers may differ that count as equal. */
export interface Tolerance {
  /** Default 0. */
  readonly absolute?: number | undefined;
  /** Share of the number of the other vector. Default 0. */
  readonly relative?: number | undefined;
}

/** A NaN would make everything equal. */
const difference = rule((value, name) => {
  if (typeof value === "number" && value >= 0) return value;
  throw invalidArgument(`${name} must be a number of at least 0, received ${received(value)}.`);
}).default(0);

const toleranceOptions = declareOptions<Tolerance>()({ absolute: difference, relative: difference });

/** Checks the tolerances of `equals`. @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkTolerance(tolerance: Tolerance | undefined): {
  readonly absolute: number;
  readonly relative: number;
} {
  return toleranceOptions.check("equals", tolerance, "equals: ");
}

/** Throws unless both have the same dimension. */
export function sameDimension(call: string, a: { dimension: number }, b: { dimension: number }): void {
  if (a.dimension !== b.dimension) {
    throw new SparseEncoderError(
      "INVALID_VECTOR",
      `${call}: the vectors have ${a.dimension} and ${b.dimension} dimensions; both must come from the same model.`,
    );
  }
}

/** Checks the dimension of a vector or matrix. */
export function checkDimension(dimension: unknown): void {
  if (
    typeof dimension !== "number" ||
    !Number.isInteger(dimension) ||
    dimension < 0 ||
    dimension > 0xffffffff
  ) {
    throw invalidVector(
      `the dimension must be a whole number from 0 to 2^32 - 1, received ${received(dimension)}`,
    );
  }
}

/** Checks the entries [from, to) of one row against the rules of a sparse vector. */
export function checkEntries(
  indices: ArrayLike<number>,
  values: ArrayLike<number>,
  from: number,
  to: number,
  dimension: number,
): void {
  let previous = -1;
  for (let position = from; position < to; position++) {
    const index = indices[position]!;
    const value = values[position]!;
    if (!Number.isInteger(index) || index < 0 || index >= dimension) {
      throw invalidVector(`index ${received(index)} at position ${position} is not in [0, ${dimension})`);
    }
    if (index <= previous) {
      throw invalidVector(
        `index ${index} at position ${position} follows ${previous}; indices must rise strictly`,
      );
    }
    if (typeof value !== "number" || !Number.isFinite(Math.fround(value)) || Math.fround(value) === 0) {
      throw invalidVector(
        `value ${received(value)} at position ${position} is not a finite, non-zero float32 number`,
      );
    }
    previous = index;
  }
}

/** Checks the arrays of a sparse vector. */
export function checkVector(indices: ArrayLike<number>, values: ArrayLike<number>, dimension: number): void {
  checkDimension(dimension);
  checkArray("indices", indices);
  checkArray("values", values);
  if (indices.length !== values.length) {
    throw invalidVector(`${indices.length} indices but ${values.length} values`);
  }
  checkEntries(indices, values, 0, indices.length, dimension);
}

/** Checks that a value is an array or a typed array. */
export function checkArray(name: string, value: unknown): void {
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && "length" in value)) {
    throw invalidVector(`${name} must be an array of numbers, received ${received(value)}`);
  }
}

/** Whether a weight vanishes in float32. */
export function isZero(value: number): boolean {
  return typeof value === "number" && Math.fround(value) === 0;
}

export function invalidVector(problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_VECTOR", `Not a valid sparse vector: ${problem}.`);
}
