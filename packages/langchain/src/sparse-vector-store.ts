import type { DocumentInterface } from "@langchain/core/documents";
import { SparseEncoderError, type Store } from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import {
  CoreVectorStore,
  checkStore,
  documentsOf,
  type SearchSettings,
  searchSettingNames,
} from "./core-vector-store.ts";
import type { SparseEmbeddings } from "./sparse-embeddings.ts";

/** Options of a {@link SparseVectorStore}. */
export interface SparseVectorStoreConfig extends SearchSettings {
  /** Where documents and vectors are kept. It stays the caller's. */
  readonly store: Store;
  /** Name of the vectors in the store. Default `sparse`. */
  readonly vector?: string;
}

/**
 * A vector store that searches by sparse vectors alone. Scores are dot products.
 *
 * @example
 * const store = await SparseVectorStore.fromTexts(texts, {}, embeddings, { store: new MemoryStore() });
 * await store.similaritySearch("What is the weather like?", 2);
 */
export class SparseVectorStore extends CoreVectorStore {
  static lc_name(): string {
    return "SparseVectorStore";
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(embeddings: SparseEmbeddings, config: SparseVectorStoreConfig) {
    const call = "SparseVectorStore";
    checkOptionNames(call, config, ["store", "vector", ...searchSettingNames]);
    const { store, vector, ...settings } = config ?? {};
    checkStore(call, store);
    if (typeof embeddings?.encoder !== "object") {
      throw new SparseEncoderError(
        "INVALID_ARGUMENT",
        `${call} needs SparseEmbeddings, received ${received(embeddings)}.`,
      );
    }
    const sparse = { encoder: embeddings.encoder, store, ...(vector === undefined ? {} : { vector }) };
    super("sparse", store, { sparse, dense: undefined }, undefined, settings);
  }

  override _vectorstoreType(): string {
    return "sparse_encoder_sparse";
  }

  /** @param metadatas one a text, or one for all */
  static async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: SparseEmbeddings,
    config: SparseVectorStoreConfig,
  ): Promise<SparseVectorStore> {
    return SparseVectorStore.fromDocuments(documentsOf(texts, metadatas), embeddings, config);
  }

  static async fromDocuments(
    documents: DocumentInterface[],
    embeddings: SparseEmbeddings,
    config: SparseVectorStoreConfig,
  ): Promise<SparseVectorStore> {
    const store = new SparseVectorStore(embeddings, config);
    await store.addDocuments(documents);
    return store;
  }

  /** Over a store that has documents already; one that is closed or cannot be reached is an error now. */
  static async fromExistingStore(
    embeddings: SparseEmbeddings,
    config: SparseVectorStoreConfig,
  ): Promise<SparseVectorStore> {
    const store = new SparseVectorStore(embeddings, config);
    await config.store.count();
    return store;
  }
}
