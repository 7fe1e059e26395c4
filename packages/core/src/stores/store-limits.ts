import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import type { SparseVector } from "../vector/index.ts";
import type { BackendQuery } from "./backend.ts";
import type { Filter } from "./filter/filter.ts";
import { type FilterNode, parseFilter } from "./filter/filter-node.ts";
import type { Store } from "./store.ts";
import type { CheckedDocument } from "./store-arguments.ts";
import { checkDirection, type ResolvedField } from "./vector-fields.ts";

type Limited = Pick<Store, "name" | "capabilities">;

/** @param problem what the store cannot do, as the rest of a sentence about it */
export function unsupported({ name }: Pick<Store, "name">, problem: string): SparseEncoderError {
  return new SparseEncoderError("STORE_UNSUPPORTED", `The ${name} store ${problem}`);
}

/** @throws SparseEncoderError `STORE_UNSUPPORTED` for more hits than the store gives */
export function checkK(store: Limited, call: string, k: number): number {
  const { maximumK } = store.capabilities;
  if (maximumK === undefined || k <= maximumK) return k;
  throw unsupported(store, `gives at most ${maximumK} hits. ${call}: received k ${k}.`);
}

/**
 * Runs a write, whose documents become a text in JSON somewhere: the error for one that is longer than a string can be says so.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export async function withinStringLength(
  store: Pick<Store, "name">,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    const isTooLong =
      (error as NodeJS.ErrnoException | undefined)?.code === "ERR_STRING_TOO_LONG" ||
      (error instanceof RangeError && error.message.startsWith("Invalid string length"));
    if (!isTooLong) throw error;
    throw invalidArgument(
      `upsert: the ${store.name} store takes no text or metadata of about 512 MB in one document; divide it among several documents.`,
    );
  }
}

/**
 * Brings a filter into its smallest form.
 * @throws SparseEncoderError `INVALID_FILTER`; `STORE_UNSUPPORTED` for an operator that the store lacks
 */
export function checkFilter(store: Limited, filter: Filter): FilterNode {
  const node = parseFilter(filter);
  checkOperators(store, node);
  return node;
}

/** @throws SparseEncoderError `STORE_UNSUPPORTED` for a vector that is beyond what the store takes */
export function checkDocumentLimits(store: Limited, { id, vectors }: CheckedDocument): void {
  for (const [name, vector] of vectors) {
    const place = `Document ${received(id)}, vector ${received(name)}`;
    if (!(vector instanceof Float32Array)) checkSparseLimits(store, place, vector);
  }
}

/**
 * Checks a query vector against the vectors that it is compared with.
 * @throws SparseEncoderError `INVALID_VECTOR`, `STORE_UNSUPPORTED`
 */
export function checkQueryFit(
  store: Limited,
  call: string,
  { name, vector }: Pick<BackendQuery, "name" | "vector">,
  field: ResolvedField,
): void {
  const dimension = vector instanceof Float32Array ? vector.length : vector.dimension;
  if (dimension !== field.dimension) {
    throw new SparseEncoderError(
      "INVALID_VECTOR",
      `${call}: the query has ${dimension} dimensions, the vectors named "${name}" have ${field.dimension}; ` +
        "query and documents must come from the same model.",
    );
  }
  const place = `${call}: the query`;
  if (!(vector instanceof Float32Array)) checkSparseLimits(store, place, vector);
  else if (field.kind === "dense" && field.metric === "cosine") checkDirection(place, vector);
}

function checkSparseLimits(store: Limited, place: string, vector: SparseVector): void {
  const { maximumActiveDims, negativeWeights } = store.capabilities;
  if (maximumActiveDims !== undefined && vector.activeDims > maximumActiveDims) {
    throw unsupported(
      store,
      `takes at most ${maximumActiveDims} active dims. ${place} has ${vector.activeDims}; encode with maxActiveDims.`,
    );
  }
  if (negativeWeights === false && vector.values.some((weight) => weight < 0)) {
    throw unsupported(store, `takes no negative weights. ${place} has some.`);
  }
}

function checkOperators(store: Limited, node: FilterNode): void {
  const { filters } = store.capabilities;
  const operators = operatorsOf(node);
  if (operators.length > 0 && !operators.some((operator) => filters.has(operator))) {
    const field = "path" in node ? ` (field ${received(node.path.join("."))})` : "";
    throw unsupported(store, `has no filter ${operators[0]}${field}; it has ${[...filters].join(", ")}.`);
  }
  if (node.type === "not") checkOperators(store, node.node);
  else if ("nodes" in node) for (const part of node.nodes) checkOperators(store, part);
}

/** Operators that a node may come from; a store needs one of them. Entries of an object are an `and` without `$and`. */
function operatorsOf(node: FilterNode): readonly string[] {
  switch (node.type) {
    case "and":
      return [];
    case "or":
      return ["$or"];
    case "not":
      return ["$not", ...(negations[node.node.type] ?? [])];
    case "equal":
      return ["$eq", "$ne"];
    case "in":
      return ["$in", "$nin"];
    case "compare":
      return [`$${node.operator}`];
    case "contains":
      return ["$contains"];
    case "exists":
      return ["$exists"];
  }
}

/** Operators that negate a condition by themselves. */
const negations: Partial<Record<FilterNode["type"], readonly string[]>> = {
  equal: ["$ne"],
  in: ["$nin"],
  exists: ["$exists"],
};
