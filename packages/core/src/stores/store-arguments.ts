import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import { SparseVector } from "../vector/index.ts";
import type { Filter } from "./filter/filter.ts";
import { checkMetadata, type Metadata } from "./metadata.ts";
import type { BoundEncoder, DeleteTarget, StoredDocument } from "./store.ts";

/** Length limit of an id, and of a vector's name, in UTF-16 code units. */
const maximumNameLength = 1024;

/** A document that was checked; it shares nothing with what the caller gave. */
export interface CheckedDocument {
  /** Id of the document. */
  readonly id: string;
  /** Its text. */
  readonly text: string;
  /** Frozen at every level. */
  readonly metadata: Metadata;
  /** Its vectors by name. */
  readonly vectors: ReadonlyMap<string, SparseVector | Float32Array>;
}

/**
 * Checks the documents of an upsert as far as no store is needed for it, and copies them.
 * @throws SparseEncoderError `INVALID_DOCUMENT`, `INVALID_VECTOR`
 */
export function checkDocuments(documents: readonly StoredDocument[]): CheckedDocument[] {
  if (!Array.isArray(documents)) {
    throw invalidDocument(`upsert takes an array of documents, received ${received(documents)}`);
  }
  const ids = new Set<string>();
  return Array.from(documents, (document: unknown, position) => {
    if (typeof document !== "object" || document === null) {
      throw invalidDocument(`document ${position} must be an object, received ${received(document)}`);
    }
    const { id, text, metadata, vectors } = document as Record<string, unknown>;
    if (!isName(id)) throw invalidDocument(`document ${position}: ${nameRule("id", id)}`);
    if (ids.has(id)) throw invalidDocument(`the id ${received(id)} comes twice in one call`);
    ids.add(id);
    const place = `document ${received(id)}`;
    if (typeof text !== "string") {
      throw invalidDocument(`${place}: text must be a string, received ${received(text)}`);
    }
    return {
      id,
      text,
      metadata: checkMetadata(place, metadata),
      vectors: checkVectors(place, vectors),
    };
  });
}

/** Checks the ids of a call that looks documents up; they may come twice. */
export function checkKnownIds(call: string, ids: readonly string[]): string[] {
  if (!Array.isArray(ids)) {
    throw invalidArgument(`${call}: ids must be an array of strings, received ${received(ids)}.`);
  }
  return Array.from(ids, (id: unknown) => {
    if (!isName(id)) throw invalidArgument(`${call}: ${nameRule("an id", id)}.`);
    return id;
  });
}

/** Checks what `delete` is to delete. */
export function checkDeleteTarget(target: DeleteTarget): { ids: string[] } | { filter: Filter } {
  if (typeof target === "object" && target !== null && !Array.isArray(target)) {
    const names = Object.keys(target);
    if (names.length === 1 && "ids" in target) return { ids: checkKnownIds("delete", target.ids) };
    if (names.length === 1 && "filter" in target) return { filter: target.filter };
  }
  throw invalidArgument(`delete takes { ids: [...] } or { filter: {...} }, received ${received(target)}.`);
}

/** A copy of the query of a sparse search. */
export function checkSparseQuery(call: string, query: unknown): SparseVector {
  if (!isSparse(query)) {
    throw invalidArgument(`${call}: expected a SparseVector, received ${received(query)}.`);
  }
  return new SparseVector(query.indices.slice(), query.values.slice(), query.dimension);
}

/** A copy of the query of a dense search. */
export function checkDenseQuery(call: string, query: unknown): Float32Array {
  if (!(query instanceof Float32Array)) {
    throw invalidArgument(
      `${call}: expected a Float32Array (Float32Array.from makes one of numbers), received ${received(query)}.`,
    );
  }
  const copy = query.slice();
  checkDense(`${call}: the query`, copy);
  return copy;
}

export function checkDims(call: string, dims: unknown): number[] {
  const isDim = (dim: unknown) =>
    Number.isInteger(dim) && (dim as number) >= 0 && (dim as number) < 0xffffffff;
  if (Array.isArray(dims) && dims.every(isDim)) return [...dims];
  throw invalidArgument(
    `${call}: dims must be an array of whole numbers from 0 to 2^32 - 2, received ${received(dims)}.`,
  );
}

export function checkBoundEncoder(call: string, encoder: unknown): BoundEncoder {
  const { dimension, fingerprint } = (encoder ?? {}) as Partial<BoundEncoder>;
  if (typeof fingerprint !== "string" || fingerprint === "") {
    throw invalidArgument(
      `${call}: expected { dimension, fingerprint }, the fingerprint a string that is not empty, received ${received(encoder)}.`,
    );
  }
  return { dimension: positiveInteger(`${call}: dimension`, dimension, 0xffffffff), fingerprint };
}

/** A query vector, or a document's, by what it has rather than by class: both builds of this library may be loaded. */
export function isSparse(value: unknown): value is SparseVector {
  return (
    typeof value === "object" &&
    value !== null &&
    "indices" in value &&
    value.indices instanceof Uint32Array &&
    "values" in value &&
    value.values instanceof Float32Array &&
    "dimension" in value
  );
}

/** Checks that all numbers are finite. */
export function checkDense(place: string, vector: Float32Array): void {
  const position = vector.findIndex((value) => !Number.isFinite(value));
  if (position !== -1) {
    throw new SparseEncoderError(
      "INVALID_VECTOR",
      `${place}: value ${vector[position]} at position ${position} is not finite.`,
    );
  }
}

/** Whether a string can be an id or a vector's name: well-formed, because others would not survive in UTF-8. */
export function isName(value: unknown): value is string {
  return (
    typeof value === "string" && value !== "" && value.length <= maximumNameLength && value.isWellFormed()
  );
}

export function checkVectorName(call: string, name: unknown): asserts name is string {
  if (!isName(name)) throw invalidArgument(`${call}: ${nameRule("the name of the vectors", name)}.`);
}

export function nameRule(what: string, value: unknown): string {
  return `${what} must be a well-formed string of 1 to ${maximumNameLength} characters, received ${received(value)}`;
}

export function invalidDocument(problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_DOCUMENT", `Not a valid document: ${problem}.`);
}

/**
 * Checks the vectors of a document, and copies them.
 * @param place names the document for the message
 * @throws SparseEncoderError `INVALID_DOCUMENT`, `INVALID_VECTOR`
 */
export function checkVectors(place: string, vectors: unknown): Map<string, SparseVector | Float32Array> {
  if (typeof vectors !== "object" || vectors === null || Array.isArray(vectors)) {
    throw invalidDocument(
      `${place}: vectors must be an object of vectors by name, received ${received(vectors)}`,
    );
  }
  const copies = new Map<string, SparseVector | Float32Array>();
  for (const [name, vector] of Object.entries(vectors) as [string, unknown][]) {
    if (!isName(name)) throw invalidDocument(`${place}: ${nameRule("the name of a vector", name)}`);
    const what = `${place}, vector ${received(name)}`;
    if (vector instanceof Float32Array) {
      const copy = vector.slice();
      checkDense(what, copy);
      copies.set(name, copy);
    } else if (isSparse(vector)) {
      try {
        copies.set(name, new SparseVector(vector.indices.slice(), vector.values.slice(), vector.dimension));
      } catch (error) {
        if (!SparseEncoderError.is(error)) throw error;
        throw new SparseEncoderError(error.code, `${what}: ${error.message}`, { cause: error });
      }
    } else {
      throw new SparseEncoderError(
        "INVALID_VECTOR",
        `${what} must be a SparseVector or a Float32Array, received ${received(vector)}.`,
      );
    }
  }
  return copies;
}

/** Vectors that the caller may change. */
export function copyVectors(vectors: StoredDocument["vectors"]): StoredDocument["vectors"] {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, vector]) => [
      name,
      vector instanceof Float32Array
        ? vector.slice()
        : new SparseVector(vector.indices.slice(), vector.values.slice(), vector.dimension),
    ]),
  );
}
