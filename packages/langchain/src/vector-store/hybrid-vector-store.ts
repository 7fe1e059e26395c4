import type { DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { Store } from "@sparse-encoder/core";
import {
  declareOptions,
  invalidArgument,
  received,
  rule,
  splitRule,
  text,
  unchecked,
} from "@sparse-encoder/core/internal";
import { documentsOf } from "../document-mapping.ts";
import { vectorsOf } from "../retriever/retriever-arm.ts";
import type { SparseEmbeddings } from "../sparse-embeddings.ts";
import { CoreVectorStore } from "./core-vector-store.ts";
import {
  checkStore,
  type RetrievalMode,
  type SearchSettings,
  type SplitConfig,
  searchSettingRules,
} from "./vector-store-options.ts";

/** Options of a {@link HybridVectorStore}. */
export interface HybridVectorStoreConfig extends SearchSettings, SplitConfig {
  /** Where documents and vectors are kept. It stays the caller's. */
  readonly store: Store;
  /** For the modes `sparse` and `hybrid`. */
  readonly sparseEmbeddings?: SparseEmbeddings | undefined;
  /** Vectors that documents get and are found by. Default: all that the embeddings allow. */
  readonly mode?: RetrievalMode | undefined;
  /** Names of the vectors in the store. Default `sparse` and `dense`. */
  readonly vectors?:
    | { readonly sparse?: string | undefined; readonly dense?: string | undefined }
    | undefined;
}

const call = "HybridVectorStore";

const nameOptions = declareOptions<NonNullable<HybridVectorStoreConfig["vectors"]>>()({
  sparse: text().default("sparse"),
  dense: text().default("dense"),
});

const storeOptions = declareOptions<HybridVectorStoreConfig>()({
  store: unchecked<Store>(),
  // Compared with the mode.
  sparseEmbeddings: unchecked<SparseEmbeddings>(),
  mode: rule((value): RetrievalMode => {
    if (value === "sparse" || value === "dense" || value === "hybrid") return value;
    throw invalidArgument(`mode must be "sparse", "dense" or "hybrid", received ${received(value)}.`);
  }),
  vectors: rule((value, name) => nameOptions.check(`${call}: ${name}`, value)),
  split: splitRule,
  ...searchSettingRules,
});

/**
 * A vector store that searches by sparse vectors, dense vectors, or both with their rankings fused.
 *
 * @example
 * const store = new HybridVectorStore(denseEmbeddings, { sparseEmbeddings, store: await MemoryStore.open("./index") });
 * await store.addDocuments(documents);
 * await store.similaritySearch("heat transfer", 5, { year: { $gte: 1960 } });
 */
export class HybridVectorStore extends CoreVectorStore {
  /** Name of the class, for LangChain. */
  static lc_name(): string {
    return "HybridVectorStore";
  }

  /**
   * @param embeddings dense embeddings, for the modes `dense` and `hybrid`
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
   */
  constructor(embeddings: EmbeddingsInterface | undefined, config: HybridVectorStoreConfig) {
    const {
      store: given,
      sparseEmbeddings,
      mode: wanted,
      vectors,
      split,
      ...settings
    } = storeOptions.check(call, config);
    const store = checkStore(call, given);
    const names = vectors ?? nameOptions.check(call, {});
    const mode = wanted ?? modeOf(embeddings, sparseEmbeddings);
    const sparse =
      mode === "dense"
        ? undefined
        : { encoder: sparseEncoder(mode, sparseEmbeddings), store, vector: names.sparse };
    const dense =
      mode === "sparse"
        ? undefined
        : { ...vectorsOf(denseEmbeddings(mode, embeddings)), store, vector: names.dense };
    const arms = { sparse, dense };
    super(mode, store, arms, embeddings, settings, split);
  }

  override _vectorstoreType(): string {
    return "sparse_encoder_hybrid";
  }

  /** @param metadatas one per text, or one for all */
  /** A store with these texts, which are encoded and stored. */
  static async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface | undefined,
    config: HybridVectorStoreConfig,
  ): Promise<HybridVectorStore> {
    return HybridVectorStore.fromDocuments(documentsOf(texts, metadatas), embeddings, config);
  }

  /** A store with these documents, which are encoded and stored. */
  static async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface | undefined,
    config: HybridVectorStoreConfig,
  ): Promise<HybridVectorStore> {
    const store = new HybridVectorStore(embeddings, config);
    await store.addDocuments(documents);
    return store;
  }

  /** Over a store that has documents already. A store that is closed or cannot be reached is an error here. */
  static async fromExistingStore(
    embeddings: EmbeddingsInterface | undefined,
    config: HybridVectorStoreConfig,
  ): Promise<HybridVectorStore> {
    const store = new HybridVectorStore(embeddings, config);
    await config.store.count();
    return store;
  }
}

function modeOf(dense: unknown, sparse: unknown): RetrievalMode {
  if (dense === undefined) return "sparse";
  return sparse === undefined ? "dense" : "hybrid";
}

function sparseEncoder(mode: RetrievalMode, embeddings: SparseEmbeddings | undefined) {
  if (typeof embeddings?.encoder === "object") return embeddings.encoder;
  throw missing(mode, "SparseEmbeddings as sparseEmbeddings", embeddings);
}

function denseEmbeddings(mode: RetrievalMode, embeddings: EmbeddingsInterface | undefined) {
  if (typeof embeddings?.embedQuery === "function") return embeddings;
  throw missing(mode, "dense embeddings as its first argument", embeddings);
}

function missing(mode: RetrievalMode, what: string, value: unknown) {
  return invalidArgument(`${call}: mode ${mode} needs ${what}, received ${received(value)}.`);
}
