import type { RankedDocument } from "./metrics/run.ts";

/** Falling score, equal scores by rising id (UTF-16 code units). */
function compare(a: RankedDocument, b: RankedDocument): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.id < b.id ? -1 : 1;
}

/**
 * The best `k` of hits found so far and of newly scored documents, in their order; the same whatever the order in which
 * documents come.
 */
export function mergeHits(
  hits: readonly RankedDocument[],
  ids: readonly string[],
  scores: ArrayLike<number>,
  k: number,
): RankedDocument[] {
  // Only what can be among the best becomes an object: of a large corpus, a few.
  let floor = hits.length < k ? Number.NEGATIVE_INFINITY : hits[k - 1]!.score;
  if (scores.length > k) floor = Math.max(floor, Float64Array.from(scores).sort()[scores.length - k]!);
  const merged = [...hits];
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position]!;
    if (score >= floor) merged.push({ id: ids[position]!, score });
  }
  return merged.sort(compare).slice(0, k);
}
