import type { SparseVector } from "../vector/index.ts";

/** What one term adds to the score of a document. */
export interface TermContribution {
  /** The term: a dimension number, for most models a token id. */
  readonly index: number;
  /** Weight of the dim in the query. */
  readonly queryWeight: number;
  /** Weight of the dim in the document. */
  readonly documentWeight: number;
  /** Query weight x document weight. */
  readonly contribution: number;
}

/**
 * The contributions of the terms that a query and a document share: largest first, equal ones by rising index.
 * @param weightOf gives the weight of the document in a dimension, 0 without one
 */
export function contributionsOf(
  query: SparseVector,
  weightOf: (index: number) => number,
): TermContribution[] {
  const contributions: TermContribution[] = [];
  for (const [index, queryWeight] of query) {
    const documentWeight = weightOf(index);
    if (documentWeight === 0) continue;
    contributions.push({ index, queryWeight, documentWeight, contribution: queryWeight * documentWeight });
  }
  return contributions.sort((a, b) => b.contribution - a.contribution || a.index - b.index);
}
