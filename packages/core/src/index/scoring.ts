import { openSimdMemory, roundUp } from "./simd-memory.ts";

/** What scoring.wat compiles to. */
export const scoringModule =
  "AGFzbQEAAAABDwJgBH9/f30AYAN/f38BfwIQAQRob3N0Bm1lbW9yeQIAAQMDAgABBw4CA2FkZAAABGZpbmQAAQr5AgKQAgICfwJ7IAO7/RQhBiAAIAJBfHFBAXRqIQQCQANAIAAgBE8NASAB/V0DAP1fIAb98gEhByAALwEAQQJ0IQUgBSAFKgIAuyAH/SEAoLY4AgAgAC8BAkECdCEFIAUgBSoCALsgB/0hAaC2OAIAIAH9XQMI/V8gBv3yASEHIAAvAQRBAnQhBSAFIAUqAgC7IAf9IQCgtjgCACAALwEGQQJ0IQUgBSAFKgIAuyAH/SEBoLY4AgAgAEEIaiEAIAFBEGohAQwACwsgBCACQQNxQQF0aiEEAkADQCAAIARPDQEgAC8BAEECdCEFIAUgBSoCALsgASoCALsgA7uioLY4AgAgAEECaiEAIAFBBGohAQwACwsLZQIBfwF7IAL9ESEEIABBAnQhAwJAA0AgACABTw0BIAP9AAQAIAT9PyAD/QAEECAE/T/9UCAD/QAEICAE/T8gA/0ABDAgBP0//VD9UP1TDQEgAEEQaiEAIANBwABqIQMMAAsLIAAL";

/** With fewer postings, a memory costs more than it saves. */
export const minimumPostings = 1 << 17;

/** Documents and weights of postings, as {@link Postings} have them. */
export interface PostingArrays {
  readonly documents: Uint16Array;
  readonly weights: Float32Array;
}

/** A score for each document, what postings add to them, and a scan over them. */
export interface Scoring {
  /** One a document; some behind the last one are 0. */
  readonly scores: Float32Array;
  /** Adds weight x query weight to the score of the document of each of the postings [from, to), rounded to float32. */
  add(postings: PostingArrays, from: number, to: number, queryWeight: number): void;
  /**
   * The first multiple of 16 in [from, to) with one of its 16 scores at or above the score of the bits `least`;
   * `to` or above if there is none. Finds scores above zero only: they order as their bits do.
   *
   * @param from a multiple of 16
   */
  find(from: number, to: number, least: number): number;
}

/** Scores in plain JavaScript, for any postings of at most `documentCount` documents. */
export function createScoring(documentCount: number): Scoring {
  const scores = new Float32Array(roundUp(documentCount, 16));
  const bits = new Int32Array(scores.buffer);
  return {
    scores,
    add({ documents, weights }, from, to, queryWeight) {
      for (let posting = from; posting < to; posting++) {
        scores[documents[posting]!]! += weights[posting]! * queryWeight;
      }
    },
    find(from, to, least) {
      const end = roundUp(to, 16);
      let score = from;
      while (score < end && bits[score]! < least) score++;
      return score - (score % 16);
    },
  };
}

/**
 * Moves postings into a WebAssembly memory, beside scores of their documents: adding and scanning there take half of the time.
 * Undefined if the system gives no such memory.
 */
export function moveToMemory(
  documentCount: number,
  { documents, weights }: PostingArrays,
): { readonly scoring: Scoring; readonly arrays: PostingArrays } | undefined {
  const weightsAddress = roundUp(documentCount, 16) * Float32Array.BYTES_PER_ELEMENT;
  const documentsAddress = weightsAddress + weights.byteLength;
  const memory = openSimdMemory(documentsAddress + documents.byteLength, scoringModule);
  if (memory === undefined) return undefined;
  const { buffer, exports } = memory;
  const arrays = {
    documents: new Uint16Array(buffer, documentsAddress, documents.length),
    weights: new Float32Array(buffer, weightsAddress, weights.length),
  };
  arrays.documents.set(documents);
  arrays.weights.set(weights);
  const add = exports.add as (document: number, weight: number, count: number, queryWeight: number) => void;
  const scoring: Scoring = {
    scores: new Float32Array(buffer, 0, roundUp(documentCount, 16)),
    add: (_postings, from, to, queryWeight) =>
      add(documentsAddress + 2 * from, weightsAddress + 4 * from, to - from, queryWeight),
    find: exports.find as Scoring["find"],
  };
  return { scoring, arrays };
}
