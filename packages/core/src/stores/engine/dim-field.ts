import type { ResolvedField } from "../vector-fields.ts";

/** Requests that count dims and are under way at once. */
export const countsAtOnce = 8;

/** The field of a document in which the active dims of sparse vectors stand, by their place among the names. */
export function dimField(fields: ReadonlyMap<string, ResolvedField>, name: string): string {
  return `dims_${[...fields.keys()].indexOf(name)}`;
}
