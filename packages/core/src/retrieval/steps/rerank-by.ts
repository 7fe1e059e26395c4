import type { PairScorer, Rerank } from "../retrieval-settings.ts";

/** Scores candidates by an encoder of pairs, which reads the query and the text of a candidate together. */
export function rerankBy(encoder: PairScorer): Rerank {
  return (query, candidates, { signal }) =>
    encoder.predict(
      candidates.map(({ text }) => [query, text] as const),
      { signal },
    );
}
