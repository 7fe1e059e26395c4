import type { DimCounts } from "../../vector/index.ts";
import type { OpenSearchQuery } from "./opensearch-filter.ts";
import type { SearchDialect } from "./search-dialect.ts";

/** Dims that one request counts: each is a bucket of an aggregation, of which a cluster gives 65,535. */
export const dimsAtOnce = 1000;

/**
 * The search that counts documents instead of giving them: features of the index are the dims of a vector, and a cluster
 * knows in which documents each stands.
 *
 * @param isVector finds the documents that have a vector of the field
 */
export function dimCount(
  { hasDim }: SearchDialect,
  isVector: OpenSearchQuery,
  field: string,
  dims: readonly number[],
): object {
  const filters = Object.fromEntries(dims.map((dim) => [`${dim}`, hasDim(field, dim)]));
  return {
    size: 0,
    track_total_hits: true,
    query: { bool: { filter: [isVector] } },
    ...(dims.length === 0 ? {} : { aggs: { dims: { filters: { filters } } } }),
  };
}

/** What the answer to {@link dimCount} says. */
export function dimCountsOf(
  {
    hits,
    aggregations,
  }: {
    readonly hits: { readonly total?: { readonly value: number } | number };
    readonly aggregations?: Readonly<Record<string, unknown>>;
  },
  dims: readonly number[],
): DimCounts {
  const { dims: counted } = (aggregations ?? {}) as {
    dims?: { buckets: Readonly<Record<string, { doc_count: number }>> };
  };
  const vectors = typeof hits.total === "object" ? hits.total.value : (hits.total ?? 0);
  return { vectors, active: dims.map((dim) => counted?.buckets[`${dim}`]?.doc_count ?? 0) };
}
