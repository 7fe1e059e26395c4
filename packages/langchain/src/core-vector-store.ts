import type { Document, DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { type MaxMarginalRelevanceSearchOptions, VectorStore } from "@langchain/core/vectorstores";
import {
  type AddProgress,
  type ArmOptions,
  type ArmSettings,
  HybridRetriever as CoreHybridRetriever,
  type Filter,
  type RetrievalSettings,
  SparseEncoderError,
  type Store,
} from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import type { DeleteTarget } from "@sparse-encoder/core/stores";
import { checkLength, toDocument, toNewDocuments } from "./document-mapping.ts";
import { HybridRetriever, type HybridRetrieverSettings } from "./hybrid-retriever.ts";

/** What a vector store searches by. */
export type RetrievalMode = "sparse" | "dense" | "hybrid";

/** Options of `addDocuments` and `addVectors`. */
export interface AddDocumentsOptions {
  /** One a document. Default: the ids of the documents; a document without one gets a random UUID. */
  readonly ids?: string[];
  /** Ends the call; what was stored by then stays. */
  readonly signal?: AbortSignal;
  /** Called after each batch is stored. */
  readonly onProgress?: (progress: AddProgress) => void;
  /** Documents that are encoded and stored together. */
  readonly batchSize?: number;
}

/** Settings of the searches, as core takes them. */
export interface SearchSettings
  extends Pick<
    RetrievalSettings,
    "fusion" | "weights" | "alpha" | "minScore" | "rerank" | "rerankK" | "onArmError" | "timeout" | "onEvent"
  > {
  /** Settings of the arms, such as how many hits each gives to the fusion. */
  readonly arms?: { readonly sparse?: ArmSettings; readonly dense?: ArmSettings };
}

/** The names of {@link SearchSettings}. */
export const searchSettingNames = [
  "fusion",
  "weights",
  "alpha",
  "minScore",
  "rerank",
  "rerankK",
  "onArmError",
  "timeout",
  "onEvent",
  "arms",
] as const satisfies readonly (keyof SearchSettings)[];

/** One arm of a store, complete. */
export interface StoreArms {
  readonly sparse: Exclude<ArmOptions, { retrieve: unknown }> | undefined;
  readonly dense: Exclude<ArmOptions, { retrieve: unknown }> | undefined;
}

/** The base class without its static side, whose `fromTexts` takes dense embeddings alone. */
const Base: abstract new (embeddings: EmbeddingsInterface, config: Record<string, unknown>) => VectorStore =
  VectorStore;

/**
 * A LangChain vector store over a store of this library. The query's text reaches the encoders of all arms; the store and
 * the embeddings stay the caller's.
 */
export abstract class CoreVectorStore extends Base {
  declare FilterType: Filter;
  readonly #store: Store;
  readonly #mode: RetrievalMode;
  readonly #denseName: string;
  readonly #retriever: CoreHybridRetriever;

  protected constructor(
    mode: RetrievalMode,
    store: Store,
    arms: StoreArms,
    embeddings: EmbeddingsInterface | undefined,
    settings: SearchSettings,
  ) {
    super(embeddings ?? noEmbeddings(mode), {});
    const { arms: armSettings, ...rest } = settings;
    checkOptionNames("arms", armSettings, ["sparse", "dense"]);
    const used = Object.entries(arms).flatMap(([name, arm]: [string, ArmOptions | undefined]) =>
      arm === undefined ? [] : [[name, { ...armSettings?.[name as keyof StoreArms], ...arm }] as const],
    );
    this.#retriever = new CoreHybridRetriever({
      // One arm has nothing to be fused with: its scores are those of the store.
      ...(used.length === 1 ? { fusion: "max" as const } : {}),
      ...rest,
      arms: Object.fromEntries(used) as Record<string, ArmOptions>,
    });
    this.#store = store;
    this.#mode = mode;
    this.#denseName = arms.dense?.vector ?? "dense";
  }

  /** What the store searches by. */
  get mode(): RetrievalMode {
    return this.#mode;
  }

  /**
   * Encodes documents for all arms and stores them, each in place of the one that has its id. The documents given are left
   * as they are.
   *
   * @returns the ids, in the order of the documents
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_DOCUMENT`, `ABORTED`, `STORE_FAILED`, …
   */
  async addDocuments(documents: DocumentInterface[], options: AddDocumentsOptions = {}): Promise<string[]> {
    const { ids, ...rest } = addOptions("addDocuments", options);
    const added = toNewDocuments("addDocuments", documents, ids);
    await this.#retriever.add(added, rest);
    return added.map(({ id }) => id);
  }

  /** As {@link CoreVectorStore.addDocuments}, with dense vectors that are known; the sparse ones are made of the texts. */
  async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options: AddDocumentsOptions = {},
  ): Promise<string[]> {
    this.needDense("addVectors");
    const { ids, ...rest } = addOptions("addVectors", options);
    checkLength("addVectors", "vectors", vectors, documents.length);
    const added = toNewDocuments("addVectors", documents, ids, (position) => ({
      [this.#denseName]: Float32Array.from(vectors[position]!),
    }));
    await this.#retriever.add(added, rest);
    return added.map(({ id }) => id);
  }

  /** Deletes documents by their ids or by a filter. Unknown ids are passed over. */
  override async delete(params?: { ids: string[] } | { filter: Filter }): Promise<void> {
    await this.#retriever.delete(params as DeleteTarget);
  }

  /** The documents of these ids, in their order; without those that there are not. */
  async getByIds(ids: string[]): Promise<Document[]> {
    const documents = await this.#store.get(ids);
    return documents.flatMap((document) => (document === undefined ? [] : [toDocument(document)]));
  }

  /** The best documents for a query, best first. */
  override async similaritySearch(query: string, k = 4, filter?: Filter): Promise<Document[]> {
    const found = await this.similaritySearchWithScore(query, k, filter);
    return found.map(([document]) => document);
  }

  /** As {@link CoreVectorStore.similaritySearch}, with scores: in mode `hybrid` those of the fusion, else the store's. */
  override async similaritySearchWithScore(
    query: string,
    k = 4,
    filter?: Filter,
  ): Promise<[Document, number][]> {
    const hits = await this.#retriever.retrieve(query, { k, ...(filter === undefined ? {} : { filter }) });
    return hits.map((hit) => [toDocument(hit), hit.score]);
  }

  /** The documents whose dense vectors are closest to one that is known. */
  async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: Filter,
  ): Promise<[Document, number][]> {
    this.needDense("similaritySearchVectorWithScore");
    const hits = await this.#store.searchDense(this.#denseName, Float32Array.from(query), { k, filter });
    return hits.map((hit) => [toDocument(hit), hit.score]);
  }

  /**
   * Documents that are good for the query and unlike each other, by maximal marginal relevance.
   *
   * @param options `lambda` 1: by score alone; 0: by novelty alone. `fetchK`: best documents that are chosen from
   */
  override async maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<Filter>,
  ): Promise<Document[]> {
    const { k, fetchK, lambda, filter } = options;
    const mmr = {
      ...(fetchK === undefined ? {} : { fetchK }),
      ...(lambda === undefined ? {} : { lambda }),
    };
    const hits = await this.#retriever.retrieve(query, {
      k,
      mmr,
      ...(filter === undefined ? {} : { filter }),
    });
    return hits.map(toDocument);
  }

  /** A retriever over this store with all that {@link HybridRetriever} can. `asRetriever` gives LangChain's own. */
  asHybridRetriever(settings: HybridRetrieverSettings = {}): HybridRetriever {
    return new HybridRetriever({ ...settings, retriever: this.#retriever });
  }

  private needDense(call: string): void {
    if (this.#mode === "sparse") {
      throw new SparseEncoderError(
        "INVALID_ARGUMENT",
        `${call} needs dense vectors, which a store of mode sparse has not; use mode dense or hybrid.`,
      );
    }
  }
}

/** Documents of texts. */
export function documentsOf(
  texts: string[],
  metadatas: object[] | object,
): { pageContent: string; metadata: Record<string, unknown> }[] {
  if (Array.isArray(metadatas)) checkLength("fromTexts", "metadatas", metadatas, texts.length);
  return texts.map((pageContent, position) => ({
    pageContent,
    metadata: (Array.isArray(metadatas) ? metadatas[position] : metadatas) as Record<string, unknown>,
  }));
}

function addOptions(call: string, options: AddDocumentsOptions): AddDocumentsOptions {
  checkOptionNames(call, options, ["ids", "signal", "onProgress", "batchSize"]);
  return options;
}

/** In place of dense embeddings where there are none. */
function noEmbeddings(mode: RetrievalMode): EmbeddingsInterface {
  const refuse = async (): Promise<never> => {
    throw new SparseEncoderError("INVALID_ARGUMENT", `A store of mode ${mode} has no dense embeddings.`);
  };
  return { embedQuery: refuse, embedDocuments: refuse };
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkStore(call: string, store: unknown): void {
  if (typeof (store as Partial<Store> | null | undefined)?.searchSparse === "function") return;
  throw new SparseEncoderError(
    "INVALID_ARGUMENT",
    `${call} needs a store, such as new MemoryStore(), received ${received(store)}.`,
  );
}
