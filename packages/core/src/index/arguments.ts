import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import type { SparseMatrix, SparseVector } from "../vector/index.ts";

/** Length limit of an id in UTF-16 code units. */
const maximumIdLength = 1024;

/**
 * Checks the ids of a call: well-formed, of 1 to 1,024 UTF-16 code units, none twice. Well-formed, because ids
 * that differ in lone surrogates only become the same bytes in a file.
 */
export function checkIds(call: string, ids: readonly string[]): void {
  if (!Array.isArray(ids)) {
    throw invalidArgument(`${call}: ids must be an array of strings, received ${received(ids)}.`);
  }
  const seen = new Set<string>();
  for (const id of ids) {
    if (typeof id !== "string" || id === "" || id.length > maximumIdLength || !id.isWellFormed()) {
      throw invalidArgument(
        `${call}: an id must be a well-formed string of 1 to ${maximumIdLength} characters, received ${received(id)}.`,
      );
    }
    if (seen.has(id)) throw invalidArgument(`${call}: the id ${received(id)} comes twice.`);
    seen.add(id);
  }
}

/** Checks the ids and rows of a call: one valid id per row. */
export function checkRows(
  call: string,
  ids: readonly string[],
  matrix: SparseMatrix,
  dimension: number,
): void {
  checkIds(call, ids);
  checkEmbedding(call, "SparseMatrix", matrix, dimension);
  if (ids.length !== matrix.length) {
    throw invalidArgument(
      `${call}: one id per row is needed, received ${ids.length} ids and ${matrix.length} rows.`,
    );
  }
}

/** Checks that an argument is of the kind and the dimension that the call needs. */
export function checkEmbedding(
  call: string,
  kind: "SparseVector" | "SparseMatrix",
  value: SparseVector | SparseMatrix,
  dimension: number,
): void {
  const isObject = typeof value === "object" && value !== null;
  const isMatrix = isObject && "offsets" in value;
  const isVector = isObject && "indices" in value && !isMatrix;
  if (kind === "SparseMatrix" ? !isMatrix : !isVector) {
    throw invalidArgument(`${call}: expected a ${kind}, received ${received(value)}.`);
  }
  if (value.dimension !== dimension) {
    throw new SparseEncoderError(
      "INVALID_VECTOR",
      `${call}: expected ${dimension} dimensions, received ${value.dimension}; all vectors must come from the same model.`,
    );
  }
}
