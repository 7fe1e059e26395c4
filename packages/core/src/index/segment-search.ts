import type { SparseVector } from "../vector/index.ts";
import { findTerm, maximumDocuments, type Postings } from "./postings.ts";
import { createScoreScan } from "./score-scan.ts";
import type { Segment } from "./segment.ts";
import type { TopK } from "./top-k.ts";

/** With fewer postings than one for so many documents, a second pass over them beats one over all scores. */
const documentsPerPosting = 12;

/**
 * Makes the search over segments: term at a time, the postings of the query's terms are added into an array of
 * scores, from which the best are picked. The array serves all searches of a thread.
 *
 * It is a constant of a closure that is made once, because V8 then compiles its address and length into the loops,
 * which saves a tenth of a query. Neither a field nor a variable at the top of a bundled module does that.
 */
function createSegmentSearch() {
  const { scores, find } = createScoreScan(maximumDocuments);
  // The same memory: numbers above zero are in the order of their bits.
  const bits = new Int32Array(scores.buffer);
  const thresholdFloat = new Float32Array(1);
  const thresholdBits = new Int32Array(thresholdFloat.buffer);
  let busy = false;

  /** Offers the documents that share a term with the query, and that `accepts` lets pass, to `hits`. */
  function search(
    segments: readonly Segment[],
    query: SparseVector,
    hits: TopK,
    accepts: (id: string) => boolean,
  ): void {
    // `accepts` is code of the user, which may search too: it then leaves the scores as they were.
    const outer = busy ? scores.slice() : undefined;
    busy = true;
    try {
      for (const segment of segments) searchSegment(segment, query, hits, accepts);
    } finally {
      busy = outer !== undefined;
      if (outer !== undefined) scores.set(outer);
    }
  }

  function searchSegment(
    { ids, postings }: Segment,
    query: SparseVector,
    hits: TopK,
    accepts: (id: string) => boolean,
  ): void {
    const { documentCount, offsets, documents, weights } = postings;
    const positions = new Int32Array(query.activeDims);
    let visits = 0;
    for (let entry = 0; entry < positions.length; entry++) {
      const position = findTerm(postings, query.indices[entry]!);
      positions[entry] = position;
      if (position !== -1) visits += offsets[position + 1]! - offsets[position]!;
    }
    if (visits === 0) return;
    // The scan reads sixteen scores at a time, those behind the last document too.
    scores.fill(0, 0, documentCount + 16);
    // Rising order of term, as in the exhaustive search: float32 sums depend on it.
    for (let entry = 0; entry < positions.length; entry++) {
      const position = positions[entry]!;
      if (position === -1) continue;
      scatter(scores, documents, weights, offsets[position]!, offsets[position + 1]!, query.values[entry]!);
    }
    const offer = (document: number) => {
      const hit = { id: ids[document]!, score: scores[document]! };
      // A deleted document has an empty id.
      if (hit.id !== "" && hits.admits(hit) && accepts(hit.id)) hits.push(hit);
    };
    if (visits * documentsPerPosting > documentCount && scoresArePositive(postings, query)) {
      pickFromScores(documentCount, hits, offer);
    } else {
      pickFromPostings(postings, positions, hits, offer);
    }
  }

  /** Offers the documents with a score above zero, of those that can still be hits. */
  function pickFromScores(documentCount: number, hits: TopK, offer: (document: number) => void): void {
    let least = leastBits(hits.threshold);
    for (let first = find(0, documentCount, least); first < documentCount; ) {
      const end = Math.min(first + 16, documentCount);
      for (let document = first; document < end; document++) if (bits[document]! >= least) offer(document);
      least = leastBits(hits.threshold);
      first = find(first + 16, documentCount, least);
    }
  }

  /** The bits of a threshold above zero, else those of the smallest float32 above zero. */
  function leastBits(threshold: number): number {
    if (threshold <= 0) return 1;
    thresholdFloat[0] = threshold;
    return thresholdBits[0]!;
  }

  /** Offers the documents that have one of the terms, whatever the sign of the score. */
  function pickFromPostings(
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

  return search;
}

export const searchSegments = createSegmentSearch();

/** Adds weight x query weight to the score of each document in the postings [from, to). */
function scatter(
  scores: Float32Array,
  documents: Uint16Array,
  weights: Float32Array,
  from: number,
  to: number,
  queryWeight: number,
): void {
  let posting = from;
  // Eight at a time, products first: a fifth faster than four at a time; sixteen run out of registers.
  for (const end = to - 7; posting < end; posting += 8) {
    const product0 = weights[posting]! * queryWeight;
    const product1 = weights[posting + 1]! * queryWeight;
    const product2 = weights[posting + 2]! * queryWeight;
    const product3 = weights[posting + 3]! * queryWeight;
    const product4 = weights[posting + 4]! * queryWeight;
    const product5 = weights[posting + 5]! * queryWeight;
    const product6 = weights[posting + 6]! * queryWeight;
    const product7 = weights[posting + 7]! * queryWeight;
    scores[documents[posting]!]! += product0;
    scores[documents[posting + 1]!]! += product1;
    scores[documents[posting + 2]!]! += product2;
    scores[documents[posting + 3]!]! += product3;
    scores[documents[posting + 4]!]! += product4;
    scores[documents[posting + 5]!]! += product5;
    scores[documents[posting + 6]!]! += product6;
    scores[documents[posting + 7]!]! += product7;
  }
  for (; posting < to; posting++) scores[documents[posting]!]! += weights[posting]! * queryWeight;
}

/** Whether each shared term raises the score above zero: no negative weight, no product that underflows. */
function scoresArePositive(postings: Postings, { values }: SparseVector): boolean {
  const least = values.reduce((least, value) => Math.min(least, value));
  return least > 0 && postings.leastWeight > 0 && Math.fround(least * postings.leastWeight) > 0;
}
