import { SparseEncoderError } from "../../errors.ts";
import {
  boundName,
  equalTerm,
  existsTerm,
  kindTerm,
  maximumBoundLength,
  refuseContains,
  toBound,
} from "../engine/metadata-terms.ts";
import type { FilterNode } from "../filter/filter-node.ts";

const operators = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;
const opposites = { gt: "<=", gte: "<", lt: ">=", lte: ">" } as const;

/** An expression that all documents pass: each has a key. */
const everything = 'key != ""';
const nothing = 'key == ""';

/**
 * The expression of a filter over the terms and bounds of metadata. Negations are moved down to the conditions, as
 * expressions over JSON have none that holds where a name is missing.
 * @param knowsNot false for Milvus Lite, whose expressions have no `not`; terms are then also among the bounds
 */
export function compileFilter(node: FilterNode, knowsNot: boolean, isNegated = false): string {
  const condition = (term: string) => (isNegated ? lacksTerm(term, knowsNot) : hasTerm(term));
  switch (node.type) {
    case "not":
      return compileFilter(node.node, knowsNot, !isNegated);
    case "and":
    case "or": {
      const isAnd = (node.type === "and") !== isNegated;
      if (node.nodes.length === 0) return isAnd ? everything : nothing;
      return `(${node.nodes.map((part) => compileFilter(part, knowsNot, isNegated)).join(isAnd ? " and " : " or ")})`;
    }
    case "exists":
      return condition(existsTerm(node.path));
    case "equal":
      return condition(equalTerm(node.path, node.value));
    case "in": {
      if (node.values.length === 0) return isNegated ? everything : nothing;
      const terms = node.values.map((value) => equalTerm(node.path, value));
      if (isNegated) return `(${terms.map(condition).join(" and ")})`;
      return `array_contains_any(terms, [${terms.map((term) => `"${term}"`).join(", ")}])`;
    }
    case "contains":
      return refuseContains("milvus", node.path);
    case "compare": {
      const { path, operator, value } = node;
      if (typeof value === "string" && value.length > maximumBoundLength) {
        throw new SparseEncoderError(
          "STORE_UNSUPPORTED",
          `The milvus store compares with strings of up to ${maximumBoundLength} characters; $${operator} of ${JSON.stringify(path.join("."))} has one of ${value.length}.`,
        );
      }
      // Any element is greater if the greatest is.
      const name = boundName(path, value, operator.startsWith("g") ? "greatest" : "least");
      const sign = (isNegated ? opposites : operators)[operator];
      const comparison = `bounds["${name}"] ${sign} "${toBound(value)}"`;
      return isNegated ? `(${condition(kindTerm(path, value))} or ${comparison})` : comparison;
    }
  }
}

/** The expression for documents with a term. */
export function hasTerm(term: string): string {
  return `array_contains(terms, "${term}")`;
}

function lacksTerm(term: string, knowsNot: boolean): string {
  return knowsNot ? `not array_contains(terms, "${term}")` : `bounds["${term}"] != "1"`;
}
