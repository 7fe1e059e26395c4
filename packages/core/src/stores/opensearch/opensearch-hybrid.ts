import type { StoreBackend, WeightedQuery } from "../backend.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import { unsupported } from "../store-limits.ts";
import type { OpenSearchQuery } from "./opensearch-filter.ts";

/** Searches that one `hybrid` query takes. */
const mostSearches = 5;

/** The constant of rank fusion that a cluster takes. */
const largestConstant = 10_000;

type Store = Pick<StoreBackend, "name">;

/**
 * The part of a search that fuses: a `hybrid` query, and the pipeline that makes one ranking of what its searches find.
 * @param scorings the query of each search
 * @throws SparseEncoderError `STORE_UNSUPPORTED`
 */
export function hybridSearch(
  store: Store,
  queries: readonly WeightedQuery[],
  scorings: readonly OpenSearchQuery[],
  { native, k: constant }: ResolvedFusion,
): object {
  const [{ k: depth }] = queries as readonly [WeightedQuery];
  if (queries.length > mostSearches) {
    throw unsupported(store, `fuses up to ${mostSearches} searches, received ${queries.length}.`);
  }
  if (queries.some(({ k }) => k !== depth)) {
    throw unsupported(store, "fuses the same number of hits of each search; give all searches one k.");
  }
  const processor =
    native === "rrf" ? rankProcessor(store, queries, constant) : scoreProcessor(store, queries);
  return {
    query: { hybrid: { queries: scorings, pagination_depth: depth } },
    search_pipeline: { phase_results_processors: [processor] },
  };
}

function rankProcessor(store: Store, queries: readonly WeightedQuery[], constant: number): object {
  if (queries.some(({ weight }) => weight !== 1)) {
    throw unsupported(store, 'takes no weights with rrf; { native: "minMax" } does.');
  }
  if (constant > largestConstant) {
    throw unsupported(store, `takes constants of rrf up to ${largestConstant}, received ${constant}.`);
  }
  const combination = { technique: "rrf", parameters: { rank_constant: constant } };
  return { "score-ranker-processor": { combination } };
}

function scoreProcessor(store: Store, queries: readonly WeightedQuery[]): object {
  if (queries.some(({ field }) => field.kind === "dense" && field.metric === "euclidean")) {
    throw unsupported(store, "fuses no distances by minMax; use rrf, or the metric cosine or dot.");
  }
  const total = totalWeight(queries);
  // They must add up to 1.
  const weights = queries.map(({ weight }) => weight / total);
  const combination = { technique: "arithmetic_mean", parameters: { weights } };
  return { "normalization-processor": { normalization: { technique: "min_max" }, combination } };
}

/** What a fused score is multiplied by: a cluster gives the mean of scaled scores, not their sum. */
export function scoreFactor(queries: readonly WeightedQuery[], { native }: ResolvedFusion): number {
  return native === "rrf" ? 1 : totalWeight(queries);
}

function totalWeight(queries: readonly WeightedQuery[]): number {
  return queries.reduce((sum, { weight }) => sum + weight, 0);
}

/**
 * Checks that ranks are those of the whole index: a cluster counts them on each shard by itself.
 * @throws SparseEncoderError `STORE_UNSUPPORTED`
 */
export function checkOneShard(store: Store, isPerShard: boolean, shards: number | undefined): void {
  if (!isPerShard || shards === undefined || shards <= 1) return;
  throw unsupported(
    store,
    `fuses by rrf on an index of one shard only, as OpenSearch counts ranks on each shard by itself; this index has ${shards}. Use { native: "minMax" }, or a fusion of this library.`,
  );
}
