import { SparseVector } from "../../vector/index.ts";
import { dimension } from "./term-dims.ts";
import type { TermTally } from "./term-tally.ts";

/** A vector with a weight for each of the terms. */
export function termVector(
  terms: TermTally["terms"],
  weightOf: (term: { readonly occurrences: number }) => number,
): SparseVector {
  const dims = Uint32Array.from(terms.keys()).sort();
  return new SparseVector(
    dims,
    Array.from(dims, (dim) => weightOf(terms.get(dim)!)),
    dimension,
  );
}

/** How often each term comes in a text. */
export function termOccurrences({ terms }: TermTally): SparseVector {
  return termVector(terms, ({ occurrences }) => occurrences);
}
