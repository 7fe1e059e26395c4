import type { DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { SparseEncoderError, type Store } from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import {
  CoreVectorStore,
  checkStore,
  documentsOf,
  type RetrievalMode,
  type SearchSettings,
  searchSettingNames,
} from "./core-vector-store.ts";
import { vectorsOf } from "./retriever-arm.ts";
import type { SparseEmbeddings } from "./sparse-embeddings.ts";

/** Options of a {@link HybridVectorStore}. */
export interface HybridVectorStoreConfig extends SearchSettings {
  /** Where documents and vectors are kept. It stays the caller's. */
  readonly store: Store;
  /** For the modes `sparse` and `hybrid`. */
  readonly sparseEmbeddings?: SparseEmbeddings;
  /** What documents are encoded for and found by. Default: what the embeddings given allow. */
  readonly mode?: RetrievalMode;
  /** Names of the vectors in the store. Default `sparse` and `dense`. */
  readonly vectors?: { readonly sparse?: string; readonly dense?: string };
}

/**
 * A vector store that searches by sparse vectors, dense vectors, or both with their rankings fused.
 *
 * @example
 * const store = new HybridVectorStore(denseEmbeddings, { sparseEmbeddings, store: await MemoryStore.open("./index") });
 * await store.addDocuments(documents);
 * await store.similaritySearch("heat transfer", 5, { year: { $gte: 1960 } });
 */
export class HybridVectorStore extends CoreVectorStore {
  static lc_name(): string {
    return "HybridVectorStore";
  }

  /**
   * @param embeddings dense ones, for the modes `dense` and `hybrid`
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
   */
  constructor(embeddings: EmbeddingsInterface | undefined, config: HybridVectorStoreConfig) {
    const call = "HybridVectorStore";
    checkOptionNames(call, config, ["store", "sparseEmbeddings", "mode", "vectors", ...searchSettingNames]);
    const { store, sparseEmbeddings, mode: wanted, vectors = {}, ...settings } = config ?? {};
    checkStore(call, store);
    checkOptionNames(`${call}: vectors`, vectors, ["sparse", "dense"]);
    const mode = modeOf(wanted, embeddings, sparseEmbeddings);
    if (mode !== "sparse" && typeof embeddings?.embedQuery !== "function") {
      throw missing(mode, "dense embeddings as its first argument", embeddings);
    }
    if (mode !== "dense" && typeof sparseEmbeddings?.encoder !== "object") {
      throw missing(mode, "SparseEmbeddings as sparseEmbeddings", sparseEmbeddings);
    }
    const arms = {
      sparse:
        mode === "dense"
          ? undefined
          : { encoder: sparseEmbeddings!.encoder, store, vector: vectors.sparse ?? "sparse" },
      dense:
        mode === "sparse"
          ? undefined
          : { ...vectorsOf(embeddings!), store, vector: vectors.dense ?? "dense" },
    };
    super(mode, store, arms, embeddings, settings);
  }

  override _vectorstoreType(): string {
    return "sparse_encoder_hybrid";
  }

  /** @param metadatas one a text, or one for all */
  static async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface | undefined,
    config: HybridVectorStoreConfig,
  ): Promise<HybridVectorStore> {
    return HybridVectorStore.fromDocuments(documentsOf(texts, metadatas), embeddings, config);
  }

  static async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface | undefined,
    config: HybridVectorStoreConfig,
  ): Promise<HybridVectorStore> {
    const store = new HybridVectorStore(embeddings, config);
    await store.addDocuments(documents);
    return store;
  }

  /** Over a store that has documents already; one that is closed or cannot be reached is an error now. */
  static async fromExistingStore(
    embeddings: EmbeddingsInterface | undefined,
    config: HybridVectorStoreConfig,
  ): Promise<HybridVectorStore> {
    const store = new HybridVectorStore(embeddings, config);
    await config.store.count();
    return store;
  }
}

function modeOf(mode: unknown, dense: unknown, sparse: unknown): RetrievalMode {
  if (mode === undefined) {
    if (dense === undefined) return "sparse";
    return sparse === undefined ? "dense" : "hybrid";
  }
  if (mode === "sparse" || mode === "dense" || mode === "hybrid") return mode;
  throw new SparseEncoderError(
    "INVALID_ARGUMENT",
    `mode must be "sparse", "dense" or "hybrid", received ${received(mode)}.`,
  );
}

function missing(mode: RetrievalMode, what: string, value: unknown): SparseEncoderError {
  return new SparseEncoderError(
    "INVALID_ARGUMENT",
    `HybridVectorStore: mode ${mode} needs ${what}, received ${received(value)}.`,
  );
}
