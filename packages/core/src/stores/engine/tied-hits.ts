import { compareHits } from "../../index/index.ts";
import type { StoreHit } from "../store.ts";

/**
 * The best `k`, equal scores by id, from an engine that orders by score alone: it is asked for more until the last score
 * that counts is followed by a lower one.
 *
 * @param search gives up to so many hits, best first
 * @param most what the engine gives at most
 */
export async function resolveTies(
  k: number,
  most: number,
  search: (limit: number) => Promise<StoreHit[]>,
): Promise<StoreHit[]> {
  for (let limit = Math.min(k + 1, most); ; limit = Math.min(limit * 4, most)) {
    const hits = await search(limit);
    const isDecided = hits.length < limit || hits[k - 1]!.score > hits.at(-1)!.score;
    if (isDecided || limit === most) return hits.sort(compareHits).slice(0, k);
  }
}
