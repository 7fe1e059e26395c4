import {
  boundName,
  checkBound,
  equalTerm,
  existsTerm,
  kindTerm,
  type TermFilter,
  toBound,
} from "../engine/metadata-terms.ts";
import { unsupported } from "../store-limits.ts";

const operators = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;
const opposites = { gt: "<=", gte: "<", lt: ">=", lte: ">" } as const;

/** An expression that all documents pass: each has a key. */
const everything = 'key != ""';
const nothing = 'key == ""';

/**
 * Conditions that an expression may have. Milvus keeps them in a tree of messages: one of this many, balanced, was taken by
 * Milvus Lite 2.5; a chain ended at 50.
 */
const maximumConditions = 10_000;

/** Values that the lists of an expression may have in all. */
const maximumValues = 100_000;

/**
 * The expression of a filter over the terms and bounds of metadata. Negations are moved down to the conditions, as
 * expressions over JSON have none that holds where a name is missing.
 * @param knowsNot false for Milvus Lite, whose expressions have no `not`; terms are then also among the bounds
 * @throws SparseEncoderError `STORE_UNSUPPORTED` for a filter that is beyond what Milvus takes
 */
export function compileFilter(node: TermFilter, knowsNot: boolean): string {
  const size = sizeOf(node, knowsNot, false);
  if (size.conditions > maximumConditions || size.values > maximumValues) {
    throw unsupported(
      { name: "milvus" },
      `takes filters of up to ${maximumConditions} conditions and ${maximumValues} values in lists, received ${size.conditions} and ${size.values}${knowsNot ? "" : " (each value of $nin counts as a condition on this Milvus)"}; divide the call among several.`,
    );
  }
  return compile(node, knowsNot, false);
}

/** Conditions and values of lists of the expression that {@link compile} makes. */
function sizeOf(
  node: TermFilter,
  knowsNot: boolean,
  isNegated: boolean,
): { conditions: number; values: number } {
  if (node.type === "not") return sizeOf(node.node, knowsNot, !isNegated);
  if (node.type === "and" || node.type === "or") {
    const total = { conditions: 0, values: 0 };
    for (const part of node.nodes) {
      const { conditions, values } = sizeOf(part, knowsNot, isNegated);
      total.conditions += conditions;
      total.values += values;
    }
    return total;
  }
  if (node.type !== "in") return { conditions: node.type === "compare" && isNegated ? 2 : 1, values: 0 };
  const isList = !isNegated || knowsNot;
  return isList
    ? { conditions: 1, values: node.values.length }
    : { conditions: node.values.length, values: 0 };
}

function compile(node: TermFilter, knowsNot: boolean, isNegated: boolean): string {
  const condition = (term: string) => (isNegated ? lacksTerm(term, knowsNot) : hasTerm(term));
  switch (node.type) {
    case "not":
      return compile(node.node, knowsNot, !isNegated);
    case "and":
    case "or": {
      const isAnd = (node.type === "and") !== isNegated;
      const parts = node.nodes.map((part) => compile(part, knowsNot, isNegated));
      return join(parts, isAnd);
    }
    case "exists":
      return condition(existsTerm(node.path));
    case "equal":
      return condition(equalTerm(node.path, node.value));
    case "in": {
      const terms = node.values.map((value) => equalTerm(node.path, value));
      if (terms.length === 0) return isNegated ? everything : nothing;
      if (isNegated && !knowsNot) return join(terms.map(condition), true);
      return `${isNegated ? "not " : ""}array_contains_any(terms, [${terms.map((term) => `"${term}"`).join(", ")}])`;
    }
    case "compare": {
      const { path, operator, value } = node;
      checkBound("milvus", node);
      // Any element is greater if the greatest is.
      const name = boundName(path, value, operator.startsWith("g") ? "greatest" : "least");
      const sign = (isNegated ? opposites : operators)[operator];
      const comparison = `bounds["${name}"] ${sign} "${toBound(value)}"`;
      return isNegated ? `(${condition(kindTerm(path, value))} or ${comparison})` : comparison;
    }
  }
}

/** Conditions in balanced parentheses: the parser goes as deep as they nest, and takes a chain for nested. */
function join(parts: readonly string[], isAnd: boolean): string {
  if (parts.length === 0) return isAnd ? everything : nothing;
  let level = parts;
  while (level.length > 1) {
    const next: string[] = [];
    for (let start = 0; start < level.length; start += 2) {
      const [left, right] = level.slice(start, start + 2);
      next.push(right === undefined ? left! : `(${left} ${isAnd ? "and" : "or"} ${right})`);
    }
    level = next;
  }
  return level[0]!;
}

/** The expression for documents that an expression holds for: the row of the collection itself is not one. */
export function ofDocuments(expression?: string): string {
  return expression === undefined ? everything : `${everything} and (${expression})`;
}

/** The expression for documents whose vectors have an active dim. */
export function hasDim(field: string, dim: number): string {
  return `array_contains(${field}, ${dim})`;
}

/** The expression for documents with a term. */
export function hasTerm(term: string): string {
  return `array_contains(terms, "${term}")`;
}

function lacksTerm(term: string, knowsNot: boolean): string {
  return knowsNot ? `not array_contains(terms, "${term}")` : `bounds["${term}"] != "1"`;
}
