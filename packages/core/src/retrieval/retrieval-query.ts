import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";
import type { SparseVector } from "../vector/index.ts";
import type { Arm } from "./arms/arm.ts";
import { denseVector, type TextVector, withDirection } from "./arms/text-embedder.ts";

/** A query: its text, vectors that are at hand, or both. */
export interface RetrievalQuery {
  /** For encoders, retrieve functions, rerankers. Without it, only the arms with a vector here are asked. */
  readonly text?: string | undefined;
  /**
   * Vectors by name of the arm, such as `{ dense: [0.1, 0.2] }`. The arm searches with the vector, and its encoder does not
   * see the text. A dense vector of zeros, which has no direction, finds nothing.
   */
  readonly vectors?: Readonly<Record<string, SparseVector | ArrayLike<number>>> | undefined;
}

/** A query, checked. */
export interface CheckedQuery {
  readonly text: string | undefined;
  /** By name of the arm; undefined for a vector of zeros. */
  readonly vectors: ReadonlyMap<string, TextVector>;
}

/**
 * @param call the function as the user wrote it, for messages
 * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_VECTOR`, `UNKNOWN_OPTION`
 */
export function checkQuery(call: string, query: unknown): CheckedQuery {
  if (typeof query === "string") return { text: query, vectors: new Map() };
  if (!isQueryObject(query)) {
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `${call}: the query must be a string, received ${received(query)}; a query by vectors is { text, vectors }.`,
    );
  }
  checkOptionNames(`${call}: the query`, query, ["text", "vectors"]);
  const { text, vectors = {} } = query;
  if (text !== undefined && typeof text !== "string") {
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `${call}: the text of the query must be a string, received ${received(text)}.`,
    );
  }
  if (typeof vectors !== "object" || vectors === null || Array.isArray(vectors)) {
    throw invalidArgument(
      `${call}: vectors must map names of arms to vectors, received ${received(vectors)}.`,
    );
  }
  const entries = Object.entries(vectors);
  if (text === undefined && entries.length === 0) {
    throw new SparseEncoderError("INVALID_TEXT", `${call}: the query needs a text, or vectors of arms.`);
  }
  const checked = entries.map(([arm, vector]) => [arm, queryVector(call, arm, vector)] as const);
  return { text, vectors: new Map(checked) };
}

/** Whether a value has the form of a query: a string, or an object that may be a {@link RetrievalQuery}. */
export function hasQueryForm(query: unknown): query is string | RetrievalQuery {
  return typeof query === "string" || isQueryObject(query);
}

/**
 * The arms that a query can be put to: all of them if it has a text, else the arms that it has vectors for.
 * @throws SparseEncoderError `UNKNOWN_OPTION` for a vector of an arm that is not there, `INVALID_ARGUMENT` for a vector of an
 *   arm without a store, or if no arm is left
 */
export function armsFor(
  call: string,
  query: CheckedQuery,
  known: readonly Arm[],
  asked: readonly Arm[],
): Arm[] {
  const names = [...query.vectors.keys()];
  checkOptionNames(
    `${call}: vectors`,
    Object.fromEntries(names.map((name) => [name, true])),
    known.map(({ name }) => name),
  );
  const search = known.find(({ name, source }) => source === undefined && query.vectors.has(name));
  if (search !== undefined) {
    throw invalidArgument(`${call}: the arm ${search.name} is a function, which takes no vector.`);
  }
  if (query.text !== undefined) return [...asked];
  const arms = asked.filter(({ name }) => query.vectors.has(name));
  if (arms.length > 0) return arms;
  throw invalidArgument(
    `${call}: the query has no text, and the arms that it has vectors for (${names.join(", ")}) have weight 0.`,
  );
}

function isQueryObject(query: unknown): query is RetrievalQuery {
  return typeof query === "object" && query !== null && !Array.isArray(query);
}

function queryVector(call: string, arm: string, vector: unknown): TextVector {
  // By shape, not by class: the ESM and the CommonJS build of this library may be loaded side by side.
  if (typeof vector === "object" && vector !== null && "indices" in vector && "activeDims" in vector) {
    return vector as SparseVector;
  }
  return withDirection(
    denseVector(
      vector,
      (problem) =>
        new SparseEncoderError("INVALID_VECTOR", `${call}: the vector for the arm ${arm} ${problem}.`),
    ),
  );
}
