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

/** A query of OpenSearch. */
export type OpenSearchQuery = Readonly<Record<string, unknown>>;

/** After all letters and digits. */
const afterAll = "~";

/** The query of a filter over the keywords `terms` and `bounds`: a bound is its name and its value in one. */
export function compileFilter(node: FilterNode): OpenSearchQuery {
  switch (node.type) {
    case "not":
      return { bool: { must_not: [compileFilter(node.node)] } };
    case "and":
      return node.nodes.length === 0
        ? { match_all: {} }
        : { bool: { filter: node.nodes.map(compileFilter) } };
    case "or":
      return node.nodes.length === 0
        ? { match_none: {} }
        : { bool: { should: node.nodes.map(compileFilter), minimum_should_match: 1 } };
    case "exists":
      return hasTerm(existsTerm(node.path));
    case "equal":
      return hasTerm(equalTerm(node.path, node.value));
    case "in":
      return { terms: { terms: node.values.map((value) => equalTerm(node.path, value)) } };
    case "contains":
      return refuseContains("opensearch", node.path);
    case "compare": {
      const { path, operator, value } = node;
      if (typeof value === "string" && value.length > maximumBoundLength) {
        throw new SparseEncoderError(
          "STORE_UNSUPPORTED",
          `The opensearch store compares with strings of up to ${maximumBoundLength} characters; $${operator} of ${JSON.stringify(path.join("."))} has one of ${value.length}.`,
        );
      }
      const isUpward = operator.startsWith("g");
      // Any element is greater if the greatest is.
      const name = boundName(path, value, isUpward ? "greatest" : "least");
      const other = isUpward ? { lt: `${name}${afterAll}` } : { gte: name };
      return { range: { bounds: { [operator]: `${name}${toBound(value)}`, ...other } } };
    }
  }
}

/** The query for documents with a term. */
export function hasTerm(term: string): OpenSearchQuery {
  return { term: { terms: term } };
}
