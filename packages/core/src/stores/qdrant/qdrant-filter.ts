import { SparseEncoderError } from "../../errors.ts";
import {
  boundName,
  equalTerm,
  existsTerm,
  maximumBoundLength,
  refuseContains,
  toBound,
} from "../engine/metadata-terms.ts";
import type { FilterNode } from "../filter/filter-node.ts";

/** A condition of Qdrant. */
export type QdrantCondition =
  | { readonly must: readonly QdrantCondition[] }
  | { readonly should: readonly QdrantCondition[] }
  | { readonly must_not: readonly QdrantCondition[] }
  | {
      readonly key: string;
      readonly match: { readonly value: string | boolean } | { readonly any: readonly string[] };
    }
  | { readonly key: string; readonly range: Readonly<Partial<Record<"gt" | "gte" | "lt" | "lte", number>>> }
  | { readonly has_id: readonly string[] };

const nothing: QdrantCondition = { has_id: [] };

/** The condition of a filter over the terms and bounds of metadata, which stand in the payload. */
export function compileFilter(node: FilterNode): QdrantCondition {
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
    case "contains":
      return refuseContains("qdrant", node.path);
    case "compare": {
      const { path, operator, value } = node;
      // Any element is greater if the greatest is.
      const key = `bounds.${boundName(path, value, operator.startsWith("g") ? "greatest" : "least")}`;
      if (typeof value === "number") return { key, range: { [operator]: value } };
      if (value.length > maximumBoundLength) {
        throw new SparseEncoderError(
          "STORE_UNSUPPORTED",
          `The qdrant store compares with strings of up to ${maximumBoundLength} characters; $${operator} of ${JSON.stringify(path.join("."))} has one of ${value.length}.`,
        );
      }
      return compareChunks(key, operator, toChunks(value), 0);
    }
  }
}

/** The condition for documents with a term. */
export function hasTerm(term: string): QdrantCondition {
  return { key: "terms", match: { value: term } };
}

/**
 * Numbers that order as the strings do, first to last: Qdrant compares numbers alone. Each stands for six bytes; the last
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
  from: number,
): QdrantCondition {
  const chunk = chunks[from]!;
  const at = `${key}_${from}`;
  if (from === chunks.length - 1) return { key: at, range: { [operator]: chunk } };
  const strict = operator.startsWith("g") ? "gt" : "lt";
  return {
    should: [
      { key: at, range: { [strict]: chunk } },
      {
        must: [
          { key: at, range: { gte: chunk, lte: chunk } },
          compareChunks(key, operator, chunks, from + 1),
        ],
      },
    ],
  };
}
