import type { QueryBundle } from "@llamaindex/core/query-engine";
import type { BaseRetriever } from "@llamaindex/core/retriever";
import type { NodeWithScore } from "@llamaindex/core/schema";
import type { MetadataFilters } from "@llamaindex/core/vector-store";
import { matches, parseFilter } from "@sparse-encoder/core/stores";
import { bothFilters, toFilter } from "./metadata-filters.ts";
import { metadataOf } from "./node-document.ts";
import { defined } from "./options.ts";

/** What a call hands on to a retriever. */
export interface ChildCall {
  readonly filters: MetadataFilters | undefined;
  /** For retrievers of mode hybrid alone. */
  readonly alpha: number | undefined;
  readonly signal: AbortSignal;
}

/** What tells kinds of retrievers apart; classes do not, since both builds of a package may be loaded. */
interface KnownParts {
  readonly _retrieveWith?: (bundle: QueryBundle, options: object) => Promise<NodeWithScore[]>;
  /** Of {@link VectorStoreRetriever}. */
  readonly mode?: unknown;
  /** Of LlamaIndex's `VectorIndexRetriever`. */
  readonly queryMode?: unknown;
  readonly retrieveQuery?: unknown;
  readonly filters?: MetadataFilters;
  readonly customParams?: object;
}

/** Whether a retriever searches dense and sparse vectors, and so has an alpha of its own. */
export function isHybrid(retriever: BaseRetriever): boolean {
  const { mode, queryMode } = retriever as KnownParts;
  return mode === "hybrid" || queryMode === "hybrid";
}

/**
 * What a retriever finds, without its events: those of the whole are one retrieval's. The retriever is not changed.
 * One that knows no filters is asked without, and nodes that do not pass are left out of its answer.
 */
export async function askChild(
  retriever: BaseRetriever,
  bundle: QueryBundle,
  { filters, alpha, signal }: ChildCall,
): Promise<NodeWithScore[]> {
  const known = retriever as BaseRetriever & KnownParts;
  const hybrid = isHybrid(retriever);
  if (typeof known._retrieveWith === "function") {
    return known._retrieveWith(bundle, defined({ filters, alpha: hybrid ? alpha : undefined, signal }));
  }
  if (typeof known.retrieveQuery === "function") {
    const own: KnownParts = defined({
      filters: bothFilters(known.filters, filters),
      customParams: hybrid && alpha !== undefined ? { ...known.customParams, alpha } : undefined,
    });
    // It takes filters from its properties alone: a view of it has others.
    return (Object.assign(Object.create(known), own) as BaseRetriever)._retrieve(bundle);
  }
  const found = await retriever._retrieve(bundle);
  if (filters === undefined) return found;
  const filter = parseFilter(toFilter(filters));
  return found.filter(({ node }, place) => matches(filter, metadataOf(node, place)));
}
