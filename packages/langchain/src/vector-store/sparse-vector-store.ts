import type { DocumentInterface } from "@langchain/core/documents";
import type { Store } from "@sparse-encoder/core";
import {
  declareOptions,
  invalidArgument,
  received,
  splitRule,
  text,
  unchecked,
} from "@sparse-encoder/core/internal";
import { documentsOf } from "../document-mapping.ts";
import type { SparseEmbeddings } from "../sparse-embeddings.ts";
import { CoreVectorStore } from "./core-vector-store.ts";
import {
  checkStore,
  type SearchSettings,
  type SplitConfig,
  searchSettingRules,
} from "./vector-store-options.ts";

/** Options of a {@link SparseVectorStore}. */
export interface SparseVectorStoreConfig extends SearchSettings, SplitConfig {
  /** Where documents and vectors are kept. It stays the caller's. */
  readonly store: Store;
  /** Name of the vectors in the store. Default `sparse`. */
  readonly vector?: string | undefined;
}

const call = "SparseVectorStore";

const storeOptions = declareOptions<SparseVectorStoreConfig>()({
  store: unchecked<Store>(),
  vector: text(),
  split: splitRule,
  ...searchSettingRules,
});

/**
 * A vector store that searches only by sparse vectors. Scores are dot products.
 *
 * @example
 * const store = await SparseVectorStore.fromTexts(texts, {}, embeddings, { store: new MemoryStore() });
 * await store.similaritySearch("What is the weather like?", 2);
 */
export class SparseVectorStore extends CoreVectorStore {
  /** Name of the class, for LangChain. */
  static lc_name(): string {
    return "SparseVectorStore";
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(embeddings: SparseEmbeddings, config: SparseVectorStoreConfig) {
    const { store: given, vector, split, ...settings } = storeOptions.check(call, config);
    const store = checkStore(call, given);
    if (typeof embeddings?.encoder !== "object") {
      throw invalidArgument(`${call} needs SparseEmbeddings, received ${received(embeddings)}.`);
    }
    const sparse = { encoder: embeddings.encoder, store, vector };
    super("sparse", store, { sparse, dense: undefined }, undefined, settings, split);
  }

  override _vectorstoreType(): string {
    return "sparse_encoder_sparse";
  }

  /** @param metadatas one per text, or one for all */
  /** A store with these texts, which are encoded and stored. */
  static async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: SparseEmbeddings,
    config: SparseVectorStoreConfig,
  ): Promise<SparseVectorStore> {
    return SparseVectorStore.fromDocuments(documentsOf(texts, metadatas), embeddings, config);
  }

  /** A store with these documents, which are encoded and stored. */
  static async fromDocuments(
    documents: DocumentInterface[],
    embeddings: SparseEmbeddings,
    config: SparseVectorStoreConfig,
  ): Promise<SparseVectorStore> {
    const store = new SparseVectorStore(embeddings, config);
    await store.addDocuments(documents);
    return store;
  }

  /** Over a store that has documents already. A store that is closed or cannot be reached is an error here. */
  static async fromExistingStore(
    embeddings: SparseEmbeddings,
    config: SparseVectorStoreConfig,
  ): Promise<SparseVectorStore> {
    const store = new SparseVectorStore(embeddings, config);
    await config.store.count();
    return store;
  }
}
