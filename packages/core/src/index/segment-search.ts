import type { SparseVector } from "../vector/index.ts";
import { findTerm, maximumDocuments, type Postings } from "./postings.ts";
import { createScoring, type Scoring } from "./scoring.ts";
import type { Segment } from "./segment.ts";
import type { SearchHit, TopK } from "./top-k.ts";

/** With less than one posting for this number of documents, a second pass over the postings beats a pass over all scores. */
const documentsPerPosting = 12;

/** Serves the segments that have no scores of their own. */
const sharedScoring = createScoring(maximumDocuments);

const thresholdFloat = new Float32Array(1);
const thresholdBits = new Int32Array(thresholdFloat.buffer);

/** The scores of the search that goes on: a filter, which is code of the user, may search too. */
let scoresInUse: Float32Array | undefined;

/**
 * Offers the documents that share a term with the query, and that `accepts` lets pass, to `hits`. Term at a time: the
 * postings of the query's terms are added into an array of scores, from which the best are picked.
 */
export function searchSegments(
  segments: readonly Segment[],
  query: SparseVector,
  hits: TopK,
  accepts: (hit: SearchHit) => boolean,
): void {
  const outer = scoresInUse;
  const kept = outer?.slice();
  try {
    for (const segment of segments) searchSegment(segment, query, hits, accepts);
  } finally {
    scoresInUse = outer;
    if (kept !== undefined) outer?.set(kept);
  }
}

function searchSegment(
  { ids, postings, scoring = sharedScoring }: Segment,
  query: SparseVector,
  hits: TopK,
  accepts: (hit: SearchHit) => boolean,
): void {
  const { documentCount, offsets } = postings;
  const positions = new Int32Array(query.activeDims);
  let visits = 0;
  for (let entry = 0; entry < positions.length; entry++) {
    const position = findTerm(postings, query.indices[entry]!);
    positions[entry] = position;
    if (position !== -1) visits += offsets[position + 1]! - offsets[position]!;
  }
  if (visits === 0) return;
  const { scores } = scoring;
  scoresInUse = scores;
  // The scan reads sixteen scores at a time, and thus beyond the last document.
  scores.fill(0, 0, documentCount + 16);
  // Rising order of term, as in the exhaustive search: float32 sums depend on it.
  for (let entry = 0; entry < positions.length; entry++) {
    const position = positions[entry]!;
    if (position === -1) continue;
    scoring.add(postings, offsets[position]!, offsets[position + 1]!, query.values[entry]!);
  }
  const offer = (document: number) => {
    const hit = { id: ids[document]!, score: scores[document]! };
    // A deleted document has an empty id.
    if (hit.id !== "" && hits.admits(hit) && accepts(hit)) hits.push(hit);
  };
  if (visits * documentsPerPosting > documentCount && scoresArePositive(postings, query)) {
    pickFromScores(scoring, documentCount, hits, offer);
  } else {
    pickFromPostings(scores, postings, positions, hits, offer);
  }
}

/** Offers the documents that can still be hits and have a score above zero. */
function pickFromScores(
  { scores, find }: Scoring,
  documentCount: number,
  hits: TopK,
  offer: (document: number) => void,
): void {
  let { threshold } = hits;
  for (let first = find(0, documentCount, leastBits(threshold)); first < documentCount; ) {
    const end = Math.min(first + 16, documentCount);
    for (let document = first; document < end; document++) {
      if (scores[document]! > 0 && scores[document]! >= threshold) offer(document);
    }
    threshold = hits.threshold;
    first = find(first + 16, documentCount, leastBits(threshold));
  }
}

/** The bits of a threshold above zero, else the bits of the smallest float32 above zero. */
function leastBits(threshold: number): number {
  if (threshold <= 0) return 1;
  thresholdFloat[0] = threshold;
  return thresholdBits[0]!;
}

/** Offers the documents that have one of the terms, whatever the sign of the score. */
function pickFromPostings(
  scores: Float32Array,
  { offsets, documents }: Postings,
  positions: Int32Array,
  hits: TopK,
  offer: (document: number) => void,
): void {
  for (const position of positions) {
    if (position === -1) continue;
    for (let posting = offsets[position]!; posting < offsets[position + 1]!; posting++) {
      const document = documents[posting]!;
      // False for NaN: a document that was offered.
      if (scores[document]! >= hits.threshold) offer(document);
      scores[document] = Number.NaN;
    }
  }
}

/** Whether each shared term raises the score above zero: no negative weight, no product that underflows. */
function scoresArePositive(postings: Postings, { values }: SparseVector): boolean {
  const least = values.reduce((least, value) => Math.min(least, value));
  return least > 0 && postings.leastWeight > 0 && Math.fround(least * postings.leastWeight) > 0;
}
