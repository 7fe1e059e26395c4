import { DEFAULT_SIMILARITY_TOP_K } from "@llamaindex/core/embeddings";
import type { QueryBundle } from "@llamaindex/core/query-engine";
import type { NodeWithScore } from "@llamaindex/core/schema";
import { extractText } from "@llamaindex/core/utils";
import type {
  MetadataFilters,
  VectorStoreQuery,
  VectorStoreQueryMode,
  VectorStoreQueryResult,
} from "@llamaindex/core/vector-store";
import { declareOptions, defined, rule, unchecked } from "@sparse-encoder/core/internal";
import { PerCallRetriever } from "../per-call-retriever.ts";
import { bothFilters } from "./metadata-filters.ts";
import {
  checkMode,
  type HybridQueryMode,
  type HybridQueryParams,
  queryParams,
} from "./vector-store-query.ts";

/** Options of a call of {@link VectorStoreRetriever}; they go before the options of the retriever. */
export interface VectorStoreRetrieveOptions extends HybridQueryParams {
  /** Nodes to find. */
  readonly similarityTopK?: number | undefined;
  /** Only nodes that pass these filters and the filters of the retriever. Values may be dates. */
  readonly filters?: MetadataFilters | undefined;
}

/** Options of a {@link VectorStoreRetriever}. */
export interface VectorStoreRetrieverOptions extends Omit<VectorStoreRetrieveOptions, "signal"> {
  /** Default: `hybrid`, or the mode of the vectors that the store has. */
  readonly mode?: HybridQueryMode | `${VectorStoreQueryMode}` | undefined;
}

/** What a retriever needs of a `HybridVectorStore`. */
interface SearchedStore {
  readonly isDense: boolean;
  readonly sparseEmbedding: object | undefined;
  query(query: VectorStoreQuery<HybridQueryParams>): Promise<VectorStoreQueryResult>;
}

// Values are checked by the query, in which they end.
const { alpha: _alpha, signal, ...paramRules } = queryParams.rules;
const settingRules = {
  ...paramRules,
  alpha: unchecked<number>(),
  similarityTopK: unchecked<number>(),
  filters: unchecked<MetadataFilters>(),
};
const callOptions = declareOptions<VectorStoreRetrieveOptions>()({ ...settingRules, signal });
const retrieverOptions = declareOptions<VectorStoreRetrieverOptions>()({
  ...settingRules,
  mode: rule((value) => checkMode(value)),
});

/** Retrieves from one `HybridVectorStore`; made by its `asRetriever`. */
export class VectorStoreRetriever extends PerCallRetriever<VectorStoreRetrieveOptions> {
  /** The query mode. */
  readonly mode: HybridQueryMode;
  private readonly vectorStore: SearchedStore;
  private readonly settings: VectorStoreRetrieveOptions;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `STORE_UNSUPPORTED` */
  constructor(vectorStore: SearchedStore, options?: VectorStoreRetrieverOptions) {
    super();
    const { mode, ...settings } = retrieverOptions.check("asRetriever", options, "asRetriever: ");
    this.vectorStore = vectorStore;
    this.mode = mode ?? fullestMode(vectorStore);
    this.settings = defined(settings);
  }

  async _retrieveWith(bundle: QueryBundle, options: VectorStoreRetrieveOptions): Promise<NodeWithScore[]> {
    const checked = callOptions.check("retrieve", options, "retrieve: ");
    const {
      similarityTopK = DEFAULT_SIMILARITY_TOP_K,
      filters: _,
      ...params
    } = { ...this.settings, ...defined(checked) };
    const filters = bothFilters(this.settings.filters, checked.filters);
    const { nodes, similarities } = await this.vectorStore.query({
      queryStr: extractText(bundle.query),
      similarityTopK,
      mode: this.mode as VectorStoreQueryMode,
      customParams: params,
      ...defined({ filters, queryEmbedding: bundle.embeddings }),
    });
    return nodes!.map((node, position) => ({ node, score: similarities[position]! }));
  }
}

function fullestMode({ isDense, sparseEmbedding }: SearchedStore): HybridQueryMode {
  if (sparseEmbedding === undefined) return "default";
  return isDense ? "hybrid" : "sparse";
}
