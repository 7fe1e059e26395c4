import type { Bm25Settings } from "./bm25-options.ts";

/** Length in terms at which `lengthNorm: "power"` leaves k1 as it is: near the length of a paragraph of three sentences. */
const usualLength = 48;

/** The weight of a document's term. */
export function documentWeight(
  occurrences: number,
  length: number,
  settings: Bm25Settings,
  averageLength: number,
): number {
  return occurrences / (occurrences + saturation(Math.max(1, length), settings, averageLength));
}

/** The weight of a query's term that `documents` of `all` documents have. */
export function queryWeight(occurrences: number, documents: number, all: number): number {
  return occurrences * Math.log1p((all - documents + 0.5) / (documents + 0.5));
}

/** Occurrences of a term that give half of the largest weight. */
function saturation(length: number, { k1, b, lengthNorm }: Bm25Settings, averageLength: number): number {
  if (lengthNorm === "power") return k1 * (length / usualLength) ** b;
  return k1 * (1 - b + b * (averageLength === 0 ? 1 : length / averageLength));
}
