import type { QueryBundle } from "@llamaindex/core/query-engine";
import type { BaseRetriever } from "@llamaindex/core/retriever";
import type { NodeWithScore } from "@llamaindex/core/schema";
import type { MetadataFilters } from "@llamaindex/core/vector-store";
import { defined, matches, parseFilter } from "@sparse-encoder/core/internal";
import { metadataOf } from "./node-document.ts";
import { bothFilters, toFilter } from "./vector-store/metadata-filters.ts";

/** What a call hands on to a retriever. */
export interface ChildCall {
  readonly bundle: QueryBundle;
  readonly filters: MetadataFilters | undefined;
  /** Only for retrievers of mode hybrid. */
  readonly alpha: number | undefined;
}

/** What tells kinds of retrievers apart. Classes do not, since both builds of a package may be loaded. */
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
 * What a retriever finds, without its events: the whole sends the events of one retrieval. The retriever is not changed.
 * A retriever that knows no filters is asked without them, and nodes that do not pass are left out of its answer.
 */
export async function askChild(
  retriever: BaseRetriever,
  { bundle, filters, alpha: callAlpha }: ChildCall,
  signal: AbortSignal,
): Promise<NodeWithScore[]> {
  const known = retriever as BaseRetriever & KnownParts;
  const alpha = isHybrid(retriever) ? callAlpha : undefined;
  if (typeof known._retrieveWith === "function") {
    return known._retrieveWith(bundle, defined({ filters, alpha, signal }));
  }
  if (typeof known.retrieveQuery === "function") {
    const changes: KnownParts = defined({
      filters: bothFilters(known.filters, filters),
      customParams: alpha === undefined ? undefined : { ...known.customParams, alpha },
    });
    // It takes filters only from its properties: a view of it has others.
    return (Object.assign(Object.create(known), changes) as BaseRetriever)._retrieve(bundle);
  }
  const found = await retriever._retrieve(bundle);
  if (filters === undefined) return found;
  const filter = parseFilter(toFilter(filters));
  return found.filter(({ node }, position) => matches(filter, metadataOf(node, position)));
}
