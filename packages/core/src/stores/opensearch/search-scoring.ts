import type { SparseVector } from "../../vector/index.ts";
import type { BackendQuery } from "../backend.ts";
import type { DenseMetric } from "../store.ts";
import { denseScore } from "./dense-score.ts";
import { toFeatures } from "./opensearch-documents.ts";
import type { OpenSearchQuery } from "./opensearch-filter.ts";

/**
 * How far below its true value the cluster's score of a sparse vector may be, as a share of it. The index keeps 9 bits of a
 * weight and drops the others, so that a weight falls by less than 2^-8 of what is kept; the rest is room for sums in float32.
 */
const roundedOff = 2 ** -8 + 2 ** -16;

/** What the cluster ranks by, and how far its scores may be from the scores that this store computes. */
export interface SearchScoring {
  readonly query: OpenSearchQuery;
  /** The score of this store for a vector of a document. */
  scoreOf(vector: SparseVector | Float32Array): number;
  /**
   * Whether no document that the cluster scores by `last` or less is better than one of score `worst`, which it scores by
   * `server`.
   */
  isBeyond(last: number, worst: number, server: number): boolean;
}

/** How an engine asks for what it ranks by. */
export interface ScoringQueries {
  /** Sparse vectors by their product with these tokens. */
  sparse(place: string, tokens: Readonly<Record<string, number>>): OpenSearchQuery;
  /** Dense vectors that pass conditions, by a metric. */
  dense(
    place: string,
    vector: readonly number[],
    metric: DenseMetric,
    conditions: readonly OpenSearchQuery[],
    k: number,
  ): OpenSearchQuery;
  /** False if a dense query finds some of the best only, so that to read on finds nothing more. */
  readonly comparesAll: boolean;
}

/**
 * @param place where the index keeps the vectors
 * @param conditions what documents must pass
 */
export function scoringOf(
  { vector, field, k }: BackendQuery,
  place: string,
  conditions: readonly OpenSearchQuery[],
  queries: ScoringQueries,
): SearchScoring {
  if (!(vector instanceof Float32Array)) return sparseScoring(vector, place, conditions, queries);
  const metric = field.kind === "dense" ? field.metric : "cosine";
  return {
    query: queries.dense(place, Array.from(vector), metric, conditions, k),
    scoreOf: (other) => denseScore(vector, other as Float32Array, metric),
    isBeyond: (last, _worst, server) => !queries.comparesAll || server > last,
  };
}

function sparseScoring(
  vector: SparseVector,
  place: string,
  conditions: readonly OpenSearchQuery[],
  queries: ScoringQueries,
): SearchScoring {
  // A cluster refuses weights above 64. A power of two changes no digit of them.
  const largest = vector.values.reduce((most, weight) => Math.max(most, weight), 0);
  const scale = 2 ** -Math.ceil(Math.log2(largest));
  const tokens = Object.entries(toFeatures(vector)).map(([dim, weight]) => [dim, weight * scale] as const);
  return {
    query: { bool: { must: [queries.sparse(place, Object.fromEntries(tokens))], filter: conditions } },
    scoreOf: (other) => vector.dot(other as SparseVector),
    isBeyond: (last, worst) => (last / scale) * (1 + roundedOff) < worst,
  };
}
