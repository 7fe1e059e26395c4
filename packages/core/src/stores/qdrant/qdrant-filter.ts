import {
  boundName,
  checkBound,
  equalTerm,
  existsTerm,
  type TermFilter,
  toBound,
} from "../engine/metadata-terms.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import { unsupported } from "../store-limits.ts";

/** A condition of Qdrant. */
export type QdrantCondition =
  | { readonly must: readonly QdrantCondition[] }
  | { readonly should: readonly QdrantCondition[] }
  | { readonly must_not: readonly QdrantCondition[] }
  | {
      readonly key: string;
      readonly match: { readonly value: string | boolean | number } | { readonly any: readonly string[] };
    }
  | { readonly key: string; readonly range: Readonly<Partial<Record<"gt" | "gte" | "lt" | "lte", number>>> }
  | { readonly has_id: readonly string[] };

const nothing: QdrantCondition = { has_id: [] };

/** Nesting of objects and lists in a filter: the JSON parser of servers stops at 128 levels of a request. */
const maximumDepth = 120;

/** Values that the lists of a filter may have in all: servers take requests of 32 MB. */
const maximumValues = 1_000_000;

/** The condition of a filter over the terms and bounds of metadata, which stand in the payload. */
export function compileFilter(node: TermFilter): QdrantCondition {
  switch (node.type) {
    case "not":
      return { must_not: [compileFilter(node.node)] };
    case "and":
      // A list of none holds for all.
      return { must: node.nodes.map(compileFilter) };
    case "or":
      return node.nodes.length === 0 ? nothing : { should: node.nodes.map(compileFilter) };
    case "exists":
      return hasTerm(existsTerm(node.path));
    case "equal":
      return hasTerm(equalTerm(node.path, node.value));
    case "in":
      return node.values.length === 0
        ? nothing
        : { key: "terms", match: { any: node.values.map((value) => equalTerm(node.path, value)) } };
    case "compare": {
      const { path, operator, value } = node;
      // Any element is greater if the greatest is.
      const key = `bounds.${boundName(path, value, operator.startsWith("g") ? "greatest" : "least")}`;
      if (typeof value === "number") return { key, range: { [operator]: value } };
      checkBound("qdrant", node);
      return compareChunks(key, operator, toChunks(value));
    }
  }
}

/** @throws SparseEncoderError `STORE_UNSUPPORTED` for a filter with more values than servers take in one request */
export function checkValues(node: FilterNode): void {
  const values = valuesOf(node);
  if (values <= maximumValues) return;
  throw unsupported(
    { name: "qdrant" },
    `takes filters of up to ${maximumValues} values in lists, received ${values}; divide the call among several.`,
  );
}

/** @throws SparseEncoderError `STORE_UNSUPPORTED` for a condition that nests deeper than servers read */
export function checkDepth(condition: QdrantCondition): void {
  const depth = depthOf(condition);
  if (depth <= maximumDepth) return;
  throw unsupported(
    { name: "qdrant" },
    `takes filters of up to ${maximumDepth} levels of a request, this one has ${depth}; nest $and, $or and $not less deep.`,
  );
}

function valuesOf(node: FilterNode): number {
  if (node.type === "in") return node.values.length;
  if (node.type === "not") return valuesOf(node.node);
  return "nodes" in node ? node.nodes.reduce((sum, part) => sum + valuesOf(part), 0) : 1;
}

function depthOf(condition: QdrantCondition): number {
  if ("match" in condition) return 3;
  if ("range" in condition || "has_id" in condition) return 2;
  const [parts = []] = Object.values(condition) as (readonly QdrantCondition[])[];
  return parts.reduce((depth, part) => Math.max(depth, 2 + depthOf(part)), 2);
}

/** The condition for documents with a term. */
export function hasTerm(term: string): QdrantCondition {
  return { key: "terms", match: { value: term } };
}

/** The field of the payload that has the key of the tenant. */
export const tenantField = "tenant";

/** The condition for documents of a tenant. */
export function ofTenant(key: string): QdrantCondition {
  return { key: tenantField, match: { value: key } };
}

/** The condition for documents whose vectors have an active dim. */
export function hasDim(field: string, dim: number): QdrantCondition {
  return { key: field, match: { value: dim } };
}

/**
 * Numbers that order as the strings do, first to last: Qdrant compares numbers only. Each stands for six bytes; the last
 * one holds the end of the string, which is less than any byte.
 */
export function toChunks(text: string): number[] {
  const bytes = Buffer.from(toBound(text), "hex");
  const chunks: number[] = [];
  for (let start = 0; start <= bytes.length; start += 6) {
    let chunk = 0;
    for (let position = start; position < start + 6; position++) {
      chunk = chunk * 257 + (position < bytes.length ? bytes[position]! + 1 : 0);
    }
    chunks.push(chunk);
  }
  return chunks;
}

/** The first numbers that differ decide; where all are equal, so are the strings. */
function compareChunks(
  key: string,
  operator: "gt" | "gte" | "lt" | "lte",
  chunks: readonly number[],
): QdrantCondition {
  const strict = operator.startsWith("g") ? "gt" : "lt";
  const isEqual = (position: number): QdrantCondition => {
    const chunk = chunks[position]!;
    return { key: `${key}_${position}`, range: { gte: chunk, lte: chunk } };
  };
  // Halved again and again: servers take conditions only as deep as a parser goes.
  const compare = (from: number, to: number): QdrantCondition => {
    if (to - from === 1) {
      const name = to === chunks.length ? operator : strict;
      return { key: `${key}_${from}`, range: { [name]: chunks[from]! } };
    }
    const middle = (from + to) >> 1;
    const before = Array.from({ length: middle - from }, (_, position) => isEqual(from + position));
    const isBefore = strictly(from, middle);
    return { should: [isBefore, { must: [...before, compare(middle, to)] }] };
  };
  const strictly = (from: number, to: number): QdrantCondition => {
    if (to - from === 1) return { key: `${key}_${from}`, range: { [strict]: chunks[from]! } };
    const middle = (from + to) >> 1;
    const before = Array.from({ length: middle - from }, (_, position) => isEqual(from + position));
    return { should: [strictly(from, middle), { must: [...before, strictly(middle, to)] }] };
  };
  return compare(0, chunks.length);
}
