import { dimOf } from "./term-dims.ts";
import type { TermSource } from "./terms/analyzer.ts";
import type { TextRole } from "./terms/unspaced-terms.ts";
import type { Turns } from "./turns.ts";

/** The terms of one text. */
export interface TermTally {
  /** By dim: the term (of several of one dim, the first), and how often it comes. */
  readonly terms: ReadonlyMap<number, { readonly term: string; readonly occurrences: number }>;
  /** Length of the text in terms. */
  readonly length: number;
}

/** Counts the terms of a text. Memory goes with the number of different terms. */
export async function tallyTerms(
  source: TermSource,
  text: string,
  role: TextRole,
  turns: Turns,
): Promise<TermTally> {
  const terms = new Map<number, { readonly term: string; occurrences: number }>();
  let length = 0;
  const take = (term: string) => {
    length += source.lengthOf(term);
    const dim = dimOf(term);
    const known = terms.get(dim);
    if (known === undefined) terms.set(dim, { term, occurrences: 1 });
    else known.occurrences++;
  };
  for (const _ of source.read(text, take, role)) {
    const pause = turns.step();
    if (pause !== undefined) await pause;
  }
  return { terms, length };
}
