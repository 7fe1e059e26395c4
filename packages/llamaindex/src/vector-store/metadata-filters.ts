import type { MetadataFilter, MetadataFilters } from "@llamaindex/core/vector-store";
import { type Filter, SparseEncoderError } from "@sparse-encoder/core";
import { jsonFilterValue, received } from "@sparse-encoder/core/internal";
import { nodeField } from "../node-document.ts";

/** Names under which the stores of LlamaIndex keep the source document of a node. */
const sourceNames = ["ref_doc_id", "doc_id", "document_id"];

type Compile = (key: string, value: unknown) => Filter;

/** Per operator: the filter of a key and a value. All but `is_empty` want the key to be there. */
const operators: Readonly<Record<string, Compile>> = {
  "==": (key, value) => ({ [key]: { $eq: scalar("==", key, value) } }),
  "!=": (key, value) => ({ [key]: { $exists: true, $ne: scalar("!=", key, value) } }),
  ">": (key, value) => ({ [key]: { $gt: ordered(">", key, value) } }),
  ">=": (key, value) => ({ [key]: { $gte: ordered(">=", key, value) } }),
  "<": (key, value) => ({ [key]: { $lt: ordered("<", key, value) } }),
  "<=": (key, value) => ({ [key]: { $lte: ordered("<=", key, value) } }),
  in: (key, value) => ({ [key]: { $in: list("in", key, value) } }),
  nin: (key, value) => ({ [key]: { $exists: true, $nin: list("nin", key, value) } }),
  any: (key, value) => ({ [key]: { $in: list("any", key, value) } }),
  all: (key, value) => ({
    $and: [{ [key]: { $exists: true } }, ...list("all", key, value).map((one) => ({ [key]: { $eq: one } }))],
  }),
  contains: (key, value) => ({ [key]: { $eq: scalar("contains", key, value) } }),
  text_match: (key, value) => {
    if (typeof value !== "string") throw wrongValue("text_match", key, "a string", value);
    return { [key]: { $contains: value } };
  },
  is_empty: (key) => ({ $or: [{ [key]: { $exists: false } }, { [`${nodeField}.empty`]: key }] }),
};

/**
 * LlamaIndex's filters in the language of core. A filter may stand among the filters, as in the Python library. Conditions
 * look at a value or, if it is a list, at its elements; values may be dates. `ref_doc_id`, `doc_id` and `document_id` are the source document.
 *
 * @throws SparseEncoderError `INVALID_FILTER`
 */
export function toFilter(filters: MetadataFilters): Filter {
  const { filters: parts, condition = "and" } = filters ?? {};
  if (!Array.isArray(parts)) {
    throw invalidFilter(
      `filters must be { filters: [{ key, value, operator }] }, received ${received(filters)}`,
    );
  }
  if (condition !== "and" && condition !== "or") {
    throw invalidFilter(`condition must be "and" or "or", received ${received(condition)}`);
  }
  const compiled = parts.map((part) =>
    typeof part === "object" && part !== null && "filters" in part
      ? toFilter(part as MetadataFilters)
      : compile(part),
  );
  return condition === "and" ? { $and: compiled } : { $or: compiled };
}

/** Nodes that have one of the ids, or that are parts of a document with one of the ids. */
export function docIdsFilter(docIds: readonly string[]): Filter {
  return { $or: [{ [`${nodeField}.id`]: { $in: docIds } }, { [`${nodeField}.refDocId`]: { $in: docIds } }] };
}

/** Nodes of a source document. */
export function refDocFilter(refDocId: string): Filter {
  return { [`${nodeField}.refDocId`]: { $eq: refDocId } };
}

/** The filters joined: nodes must pass both. */
export function bothFilters(
  a: MetadataFilters | undefined,
  b: MetadataFilters | undefined,
): MetadataFilters | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const parts = [a, b].flatMap((one) => ((one.condition ?? "and") === "and" ? one.filters : [asPart(one)]));
  return { filters: parts, condition: "and" };
}

/** A group of filters as one of several filters, which the types of LlamaIndex.TS do not know. */
function asPart(group: object): MetadataFilter {
  return group as MetadataFilter;
}

function compile(filter: MetadataFilter): Filter {
  const { key, operator } = filter ?? {};
  // Dates are compared as they are stored.
  const value = jsonFilterValue(filter?.value);
  if (typeof key !== "string" || key === "") {
    throw invalidFilter(`a filter needs a key, received ${received(filter)}`);
  }
  if (!Object.hasOwn(operators, operator)) {
    throw invalidFilter(
      `there is no operator ${received(operator)} for the key ${received(key)}; valid: ${Object.keys(operators).join(", ")}`,
    );
  }
  return operators[operator]!(sourceNames.includes(key) ? `${nodeField}.refDocId` : key, value);
}

function scalar(operator: string, key: string, value: unknown): string | number | boolean {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw wrongValue(operator, key, "a string, a number, true or false", value);
}

function ordered(operator: string, key: string, value: unknown): string | number {
  if (typeof value === "string" || typeof value === "number") return value;
  throw wrongValue(operator, key, "a string or a number", value);
}

function list(operator: string, key: string, value: unknown): (string | number)[] {
  if (Array.isArray(value) && value.every((one) => typeof one === "string" || typeof one === "number")) {
    return value;
  }
  throw wrongValue(operator, key, "an array of strings or of numbers", value);
}

function wrongValue(operator: string, key: string, wanted: string, value: unknown): SparseEncoderError {
  return invalidFilter(
    `the operator ${received(operator)} of the key ${received(key)} needs ${wanted}, received ${received(value)}`,
  );
}

function invalidFilter(problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_FILTER", `Not a valid filter: ${problem}.`);
}
