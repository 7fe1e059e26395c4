import { invalidArgument, received } from "../errors.ts";
import type { SparseVector } from "../vector/index.ts";
import { checkEmbedding } from "./arguments.ts";
import { exhaustiveOptions, type SearchOptions } from "./index-options.ts";
import { compareHits, type SearchHit } from "./top-k.ts";

/**
 * Scores every document: the slow, obvious search that the inverted index is tested against. The hits are the
 * same, in the same order and with the same scores, bit for bit. O(entries of all documents).
 *
 * @param documents (id, vector) pairs, as an `InvertedIndex` gives them; no id twice
 * @param options `topK`: number of hits, at least 1, default 10
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_VECTOR` for another dimension
 */
export function exhaustiveSearch(
  documents: Iterable<readonly [id: string, vector: SparseVector]>,
  query: SparseVector,
  options: Pick<SearchOptions, "topK"> = {},
): SearchHit[] {
  const { topK } = exhaustiveOptions.check("exhaustiveSearch", options);
  if (typeof (documents as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] !== "function") {
    throw invalidArgument(
      `exhaustiveSearch: documents must be pairs of an id and a SparseVector, received ${received(documents)}.`,
    );
  }
  const hits: SearchHit[] = [];
  for (const [id, vector] of documents) {
    checkEmbedding("exhaustiveSearch", "SparseVector", vector, query.dimension);
    const score = overlapScore(query, vector);
    if (score !== undefined) hits.push({ id, score });
  }
  return hits.sort(compareHits).slice(0, topK);
}

/**
 * Dot product over the terms that both vectors have, in rising order of term, rounded to float32 after each
 * addition. Undefined if they share no term. Never NaN: products are finite in float64, so a sum that became infinite
 * stays as it is.
 */
export function overlapScore(query: SparseVector, document: SparseVector): number | undefined {
  let score: number | undefined;
  let left = 0;
  let right = 0;
  while (left < query.indices.length && right < document.indices.length) {
    const difference = query.indices[left]! - document.indices[right]!;
    if (difference === 0) {
      score = Math.fround((score ?? 0) + query.values[left]! * document.values[right]!);
    }
    if (difference <= 0) left++;
    if (difference >= 0) right++;
  }
  return score;
}
