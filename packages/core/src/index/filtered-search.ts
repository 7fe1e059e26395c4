import { compareHits, type SearchHit, TopK } from "./top-k.ts";

/** Hits that are tested first: enough to see what share passes. */
const firstTested = 64;

/** How many times more hits are tested next than would do if the same share of them passed. */
const surplus = 1.25;

/** The best are tested in order as long as they are no more than this share of all documents. */
const testedShare = 1 / 32;

/** Offers all documents that are found: pushes each that the hits admit and that `accepts` lets pass. */
export type Offer = (hits: TopK, accepts: (hit: SearchHit) => boolean) => void;

/**
 * The best `k` documents that pass the filter, best first.
 *
 * A filter costs far more than a score. So the best of all documents are found first and tested in order: no two documents rank
 * the same, so the first `k` that pass are the best that pass. If too few do, the search goes on behind them, for as many as the
 * share that passed suggests. Where these would be too many, it tests each document that would be among the best `k` that passed so
 * far instead. No document is tested twice.
 *
 * @param documentCount of all documents
 * @param offer called once for each round
 */
export function searchFiltered(
  k: number,
  documentCount: number,
  filter: ((id: string) => boolean) | undefined,
  offer: Offer,
): SearchHit[] {
  const best = new TopK(k);
  if (filter === undefined) {
    offer(best, () => true);
    return best.ranked();
  }
  const passed: SearchHit[] = [];
  let last: SearchHit | undefined;
  const isUntested = (hit: SearchHit) => last === undefined || compareHits(last, hit) < 0;
  let tested = 0;
  for (let count = firstTested; tested + count <= testedShare * documentCount; ) {
    const next = new TopK(count);
    offer(next, isUntested);
    const ranked = next.ranked();
    for (const hit of ranked) {
      if (!filter(hit.id)) continue;
      passed.push(hit);
      if (passed.length === k) return passed;
    }
    if (ranked.length < count) return passed;
    tested += count;
    last = ranked[count - 1];
    // None that passed counts as one.
    const share = Math.max(passed.length, 1) / tested;
    count = Math.max(tested, Math.ceil((surplus * (k - passed.length)) / share));
  }
  for (const hit of passed) best.push(hit);
  offer(best, (hit) => isUntested(hit) && filter(hit.id));
  return best.ranked();
}
