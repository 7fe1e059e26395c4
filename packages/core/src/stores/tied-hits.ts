import type { StoreHit } from "./store.ts";

/**
 * Hits among which the best `k` are, from an engine that does not order equal scores by id: it is asked for more hits
 * until the last score that counts is followed by a lower one.
 *
 * @param most the largest number of hits that the engine gives
 * @param search gives up to `limit` hits, best first
 */
export async function resolveTies(
  k: number,
  most: number,
  search: (limit: number) => Promise<StoreHit[]>,
): Promise<StoreHit[]> {
  for (let limit = Math.min(k + 1, most); ; limit = Math.min(limit * 4, most)) {
    const hits = await search(limit);
    const isDecided = hits.length < limit || hits[k - 1]!.score > hits.at(-1)!.score;
    if (isDecided || limit === most) return hits;
  }
}
