import type { StoreBackend, WeightedQuery } from "../backend.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import type { OpenSearchQuery } from "../opensearch/opensearch-filter.ts";
import type { FusedSearch } from "../opensearch/search-dialect.ts";
import { unsupported } from "../store-limits.ts";

/**
 * The search that fuses by ranks in the whole index.
 * @param scorings the query of each search
 * @throws SparseEncoderError `STORE_UNSUPPORTED`
 */
export function rankFusion(
  store: Pick<StoreBackend, "name">,
  queries: readonly WeightedQuery[],
  scorings: readonly OpenSearchQuery[],
  { k: constant }: ResolvedFusion,
  k: number,
): FusedSearch {
  const [{ k: depth }] = queries as readonly [WeightedQuery];
  if (queries.length < 2) throw unsupported(store, "fuses two searches or more, received 1.");
  if (queries.some(({ k: other }) => other !== depth)) {
    throw unsupported(store, "fuses the same number of hits of each search; give all searches one k.");
  }
  if (k > depth) {
    throw unsupported(
      store,
      `gives no more fused hits than it reads of each search: ${depth}, received k ${k}.`,
    );
  }
  if (queries.some(({ weight }) => weight !== 1)) {
    throw unsupported(store, "takes no weights with rrf; fuse by a fusion of this library.");
  }
  const retrievers = scorings.map((query) => ({ standard: { query } }));
  const rrf = { retrievers, rank_constant: constant, rank_window_size: depth };
  return { body: { retriever: { rrf } }, factor: 1, isPerShard: false };
}
