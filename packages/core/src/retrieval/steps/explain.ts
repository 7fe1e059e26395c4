import type { SparseVector } from "../../vector/index.ts";
import type { MatchedTerm } from "../retrieve-call.ts";

/** The dims that both have, with what each adds to the dot product: largest first, equal ones by rising index. */
export function matchedTerms(
  query: SparseVector,
  document: SparseVector,
  tokenOf: ((index: number) => string) | undefined,
): MatchedTerm[] {
  const terms: MatchedTerm[] = [];
  for (const [index, queryWeight] of query) {
    const documentWeight = document.get(index);
    if (documentWeight === 0) continue;
    const contribution = queryWeight * documentWeight;
    terms.push({ index, token: tokenOf?.(index), queryWeight, documentWeight, contribution });
  }
  return terms.sort((a, b) => b.contribution - a.contribution || a.index - b.index);
}
