import { DEFAULT_SIMILARITY_TOP_K } from "@llamaindex/core/embeddings";
import type { QueryBundle } from "@llamaindex/core/query-engine";
import type { NodeWithScore } from "@llamaindex/core/schema";
import { extractText } from "@llamaindex/core/utils";
import type { MetadataFilters, VectorStoreQueryMode } from "@llamaindex/core/vector-store";
import { checkOptionNames } from "@sparse-encoder/core/internal";
import type { HybridVectorStore } from "./hybrid-vector-store.ts";
import { bothFilters } from "./metadata-filters.ts";
import { defined } from "./options.ts";
import { PerCallRetriever } from "./per-call-retriever.ts";
import {
  checkMode,
  type HybridQueryMode,
  type HybridQueryParams,
  queryParamNames,
} from "./vector-store-query.ts";

/** Options of a call of {@link VectorStoreRetriever}; they go before those of the retriever. */
export interface VectorStoreRetrieveOptions extends HybridQueryParams {
  /** Nodes to find. */
  readonly similarityTopK?: number;
  /** Only nodes that pass these filters and those of the retriever. */
  readonly filters?: MetadataFilters;
}

/** Options of a {@link VectorStoreRetriever}. */
export interface VectorStoreRetrieverOptions extends Omit<VectorStoreRetrieveOptions, "signal"> {
  /** Default: `hybrid`, or that of the vectors that the store has. */
  readonly mode?: HybridQueryMode | `${VectorStoreQueryMode}`;
}

const callNames = ["similarityTopK", "filters", ...queryParamNames];

/** Retrieves from one {@link HybridVectorStore}; made by its `asRetriever`. */
export class VectorStoreRetriever extends PerCallRetriever<VectorStoreRetrieveOptions> {
  readonly mode: HybridQueryMode;
  private readonly vectorStore: HybridVectorStore;
  private readonly settings: VectorStoreRetrieveOptions;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `STORE_UNSUPPORTED` */
  constructor(vectorStore: HybridVectorStore, options: VectorStoreRetrieverOptions = {}) {
    super();
    checkOptionNames("asRetriever", options, ["mode", ...callNames.filter((name) => name !== "signal")]);
    const { mode, ...settings } = options;
    this.vectorStore = vectorStore;
    this.mode = mode === undefined ? fullestMode(vectorStore) : checkMode(mode);
    this.settings = defined(settings);
  }

  async _retrieveWith(bundle: QueryBundle, options: VectorStoreRetrieveOptions): Promise<NodeWithScore[]> {
    checkOptionNames("retrieve", options, callNames);
    const {
      similarityTopK = DEFAULT_SIMILARITY_TOP_K,
      filters: _,
      ...params
    } = {
      ...this.settings,
      ...defined(options),
    };
    const filters = bothFilters(this.settings.filters, options.filters);
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

function fullestMode({ isDense, sparseEmbedding }: HybridVectorStore): HybridQueryMode {
  if (sparseEmbedding === undefined) return "default";
  return isDense ? "hybrid" : "sparse";
}
