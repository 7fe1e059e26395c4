import { bar } from "./bar.ts";
import { plainText } from "./plain-text.ts";

/** A term and what it counts. */
export interface WeightedTerm {
  readonly term: string;
  readonly weight: number;
}

/** Characters of the longest bar. */
const barWidth = 24;

/** Terms with bars, one per line; the longest bar is the largest weight, or `largest`. */
export function termBars(terms: readonly WeightedTerm[], indent: string, largest?: number): string {
  const names = terms.map(({ term }) => plainText(term));
  const width = Math.max(0, ...names.map((name) => [...name].length));
  const most = largest ?? Math.max(0, ...terms.map(({ weight }) => Math.abs(weight)));
  return terms
    .map(({ weight }, row) => {
      const blanks = " ".repeat(width - [...names[row]!].length);
      return `${indent}${names[row]}${blanks} ${weight.toFixed(2).padStart(6)} ${bar(Math.abs(weight) / (most || 1), barWidth)}`;
    })
    .join("\n");
}
