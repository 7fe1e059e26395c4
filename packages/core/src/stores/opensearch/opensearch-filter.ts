import {
  boundName,
  checkBound,
  equalTerm,
  existsTerm,
  type TermFilter,
  toBound,
} from "../engine/metadata-terms.ts";
import { unsupported } from "../store-limits.ts";
import { tenantField } from "./opensearch-documents.ts";

/** A query of OpenSearch. */
export type OpenSearchQuery = Readonly<Record<string, unknown>>;

/** After all letters and digits. */
const afterAll = "~";

/** Values that one `terms` query takes, by the default of `index.max_terms_count`. */
const maximumTerms = 65_536;

/** Clauses that a whole query may have, by the default of `indices.query.bool.max_clause_count`. */
const maximumClauses = 1024;

/**
 * The query of a filter of a store over the keywords `terms` and `bounds`: a bound is its name and its value in one. Conditions that
 * ask for one of several terms, or for none of them, become one clause.
 */
export function compileFilter(node: TermFilter, store: string): OpenSearchQuery {
  switch (node.type) {
    case "not":
      return { bool: { must_not: [compileFilter(node.node, store)] } };
    case "and":
      return node.nodes.length === 0 ? { match_all: {} } : compileAnd(node.nodes, store);
    case "or":
      return node.nodes.length === 0 ? { match_none: {} } : compileOr(node.nodes, store);
    case "exists":
    case "equal":
    case "in":
      return hasOneOf(termsOfNode(node)!);
    case "compare": {
      const { path, operator, value } = node;
      checkBound(store, node);
      const isUpward = operator.startsWith("g");
      // Any element is greater if the greatest is.
      const name = boundName(path, value, isUpward ? "greatest" : "least");
      const other = isUpward ? { lt: `${name}${afterAll}` } : { gte: name };
      return { range: { bounds: { [operator]: `${name}${toBound(value)}`, ...other } } };
    }
  }
}

/** The documents of a tenant. */
export function ofTenant(tenant: string): OpenSearchQuery {
  return { term: { [tenantField]: tenant } };
}

/** The query for documents with a term. */
export function hasTerm(term: string): OpenSearchQuery {
  return { term: { terms: term } };
}

/**
 * Checks what a query is made of against what a cluster takes in one request.
 * @param dims active dims of the sparse vector that is searched for: each is a clause
 * @throws SparseEncoderError `STORE_UNSUPPORTED`
 */
export function checkClauses(store: string, query: OpenSearchQuery, dims = 0): void {
  const clauses = clausesOf(query);
  if (clauses + dims <= maximumClauses) return;
  const parts = [`${clauses} of the filter`, ...(dims === 0 ? [] : [`${dims} active dims of the query`])];
  throw unsupported(
    { name: store },
    `takes at most ${maximumClauses} clauses in one search, received ${parts.join(" and ")}. Use $in for many values of a field, or encode queries with fewer maxActiveDims.`,
  );
}

function compileAnd(nodes: readonly TermFilter[], store: string): OpenSearchQuery {
  const excluded: string[] = [];
  const filter: OpenSearchQuery[] = [];
  for (const node of nodes) {
    const terms = node.type === "not" ? termsOfNode(node.node) : undefined;
    if (terms === undefined) filter.push(compileFilter(node, store));
    else excluded.push(...terms);
  }
  const mustNot = excluded.length === 0 ? {} : { must_not: [hasOneOf(excluded)] };
  return { bool: { ...(filter.length === 0 ? {} : { filter }), ...mustNot } };
}

function compileOr(nodes: readonly TermFilter[], store: string): OpenSearchQuery {
  const wanted: string[] = [];
  const should: OpenSearchQuery[] = [];
  for (const node of nodes) {
    const terms = termsOfNode(node);
    if (terms === undefined) should.push(compileFilter(node, store));
    else wanted.push(...terms);
  }
  if (wanted.length > 0) should.push(hasOneOf(wanted));
  // Lists of no values were all there was; a query without any clause would hold for all.
  if (should.length === 0) return { match_none: {} };
  return should.length === 1 ? should[0]! : { bool: { should, minimum_should_match: 1 } };
}

/** Terms; a document must have one of them. Undefined for a condition that is not about terms. */
function termsOfNode(node: TermFilter): string[] | undefined {
  if (node.type === "exists") return [existsTerm(node.path)];
  if (node.type === "equal") return [equalTerm(node.path, node.value)];
  return node.type === "in" ? node.values.map((value) => equalTerm(node.path, value)) : undefined;
}

/** The query for documents with one of these terms. */
function hasOneOf(terms: readonly string[]): OpenSearchQuery {
  if (terms.length === 1) return hasTerm(terms[0]!);
  if (terms.length <= maximumTerms) return { terms: { terms } };
  const should: OpenSearchQuery[] = [];
  for (let start = 0; start < terms.length; start += maximumTerms) {
    should.push({ terms: { terms: terms.slice(start, start + maximumTerms) } });
  }
  return { bool: { should, minimum_should_match: 1 } };
}

function clausesOf(query: OpenSearchQuery): number {
  const { bool } = query as { readonly bool?: Readonly<Record<string, unknown>> };
  if (bool === undefined) return 1;
  const parts = [bool.filter, bool.should, bool.must_not].flat().filter((part) => part !== undefined);
  return parts.reduce<number>((sum, part) => sum + clausesOf(part as OpenSearchQuery), 0);
}
