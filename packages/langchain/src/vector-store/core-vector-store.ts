import type { Document, DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { type MaxMarginalRelevanceSearchOptions, VectorStore } from "@langchain/core/vectorstores";
import type { HybridRetriever as CoreHybridRetriever, RetrievalSettings, Store } from "@sparse-encoder/core";
import {
  chunkField,
  type DocumentFilter,
  jsonFilter,
  type SplitSettings,
} from "@sparse-encoder/core/internal";
import { checkLength, toDocument, toVector } from "../document-mapping.ts";
import type { HybridRetrieverSettings } from "../retriever/hybrid-retriever-options.ts";
import {
  checkDense,
  encodersOf,
  noEmbeddings,
  type StoreArms,
  storeRetriever,
} from "../retriever/store-arms.ts";
import { addTo, jsonTarget } from "./store-writes.ts";
import type { AddDocumentsOptions, RetrievalMode, SearchSettings } from "./vector-store-options.ts";
import { HybridVectorStoreRetriever } from "./vector-store-retriever.ts";

/** The base class without its static side, whose `fromTexts` takes only dense embeddings. */
const Base: abstract new (embeddings: EmbeddingsInterface, config: Record<string, unknown>) => VectorStore =
  VectorStore;

/**
 * A LangChain vector store over a store of this library. The text of a query reaches the encoders of all arms. The store and
 * the embeddings stay the caller's.
 */
export abstract class CoreVectorStore extends Base {
  /** Type of the filters. */
  declare FilterType: DocumentFilter;
  readonly #store: Store;
  readonly #mode: RetrievalMode;
  readonly #denseName: string;
  readonly #retriever: CoreHybridRetriever;
  readonly #arms: StoreArms;
  readonly #split: SplitSettings | false | undefined;

  protected constructor(
    mode: RetrievalMode,
    store: Store,
    arms: StoreArms,
    embeddings: EmbeddingsInterface | undefined,
    settings: SearchSettings,
    split: SplitSettings | false | undefined,
  ) {
    super(embeddings ?? noEmbeddings(mode), {});
    this.#store = store;
    this.#mode = mode;
    this.#denseName = arms.dense?.vector ?? "dense";
    this.#arms = arms;
    this.#split = split;
    this.#retriever = storeRetriever(arms, settings);
  }

  /** What the store searches by. */
  get mode(): RetrievalMode {
    return this.#mode;
  }

  /**
   * Encodes documents for all arms and stores them, each in place of the document that has its id. Metadata are stored as
   * `JSON.stringify` keeps them: dates as ISO text, bigints as numbers or text. The documents given are not changed. With `split`, the
   * pieces of documents are stored instead.
   *
   * @returns the ids, in the order of the documents; with `split`, the ids of the pieces
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_DOCUMENT` before anything is encoded; IngestionError
   *   with how many documents are stored: `ABORTED`, `STORE_FAILED`, …
   */
  async addDocuments(documents: DocumentInterface[], options?: AddDocumentsOptions): Promise<string[]> {
    return addTo(this.#retriever, "addDocuments", documents, options, {
      encoders: encodersOf(this.#arms),
      split: this.#split,
    });
  }

  /** As {@link CoreVectorStore.addDocuments}, with dense vectors that are at hand; sparse vectors are made of the texts. */
  async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options?: AddDocumentsOptions,
  ): Promise<string[]> {
    checkDense("addVectors", this.#mode);
    checkLength("addVectors", "vectors", vectors, documents?.length);
    return addTo(this.#retriever, "addVectors", documents, options, {
      encoders: [],
      split: this.#split,
      vectors: (position) => ({ [this.#denseName]: toVector(vectors[position]!) }),
    });
  }

  /**
   * Deletes documents by their ids or by a filter. Unknown ids are passed over. In a store that splits documents, the id of a document
   * stands for its pieces too.
   */
  override async delete(params?: { ids: string[] } | { filter: DocumentFilter }): Promise<void> {
    const target = jsonTarget(params);
    await this.#retriever.delete(target);
    if (this.#split === undefined || this.#split === false || !("ids" in target)) return;
    await this.#retriever.delete({ filter: { [`${chunkField}.document`]: { $in: target.ids } } });
  }

  /** The documents of these ids, in their order; unknown ids are passed over. */
  async getByIds(ids: string[]): Promise<Document[]> {
    const documents = await this.#store.get(ids);
    return documents.flatMap((document) => (document === undefined ? [] : [toDocument(document)]));
  }

  /**
   * The best documents for a query, best first. An empty query with a filter finds the documents that pass the filter, in
   * mode `sparse` with score 0.
   */
  override async similaritySearch(query: string, k = 4, filter?: DocumentFilter): Promise<Document[]> {
    const found = await this.similaritySearchWithScore(query, k, filter);
    return found.map(([document]) => document);
  }

  /** As {@link CoreVectorStore.similaritySearch}, with scores: in mode `hybrid` of the fusion, else of the store. */
  override async similaritySearchWithScore(
    query: string,
    k = 4,
    filter?: DocumentFilter,
  ): Promise<[Document, number][]> {
    const hits = await this.search("similaritySearch", query, { k }, filter);
    return hits.map((hit) => [toDocument(hit), hit.score]);
  }

  /** The documents whose dense vectors are closest to a vector that is at hand. */
  async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: DocumentFilter,
  ): Promise<[Document, number][]> {
    checkDense("similaritySearchVectorWithScore", this.#mode);
    const options = { k, filter: jsonFilter(filter) };
    const hits = await this.#store.searchDense(this.#denseName, toVector(query), options);
    return hits.map((hit) => [toDocument(hit), hit.score]);
  }

  /**
   * Documents that are good for the query and unlike each other, by maximal marginal relevance.
   *
   * @param options `lambda` 1: by score only; 0: by novelty only. `fetchK`: best documents to choose from
   */
  override async maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<DocumentFilter>,
  ): Promise<Document[]> {
    const { k, fetchK, lambda, filter } = options;
    const hits = await this.search(
      "maxMarginalRelevanceSearch",
      query,
      { k, mmr: { fetchK, lambda } },
      filter,
    );
    return hits.map(toDocument);
  }

  /**
   * A retriever over this store with all that a hybrid retriever can do, which also adds documents. `asRetriever` gives
   * LangChain's own.
   */
  asHybridRetriever(settings: HybridRetrieverSettings = {}): HybridVectorStoreRetriever {
    return new HybridVectorStoreRetriever(this, { ...settings, retriever: this.#retriever });
  }

  private search(call: string, query: string, settings: RetrievalSettings, filter?: DocumentFilter) {
    const options = { ...settings, filter: jsonFilter(filter), wording: { call } };
    return this.#retriever.retrieve(query, options);
  }
}
