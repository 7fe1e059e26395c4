import type { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { BaseNode } from "@llamaindex/core/schema";
import type { VectorStoreQuery, VectorStoreQueryResult } from "@llamaindex/core/vector-store";
import { MemoryStore, type Store } from "@sparse-encoder/core";
import { NodeIndex } from "../node-index.ts";
import type { SparseEmbedding } from "../sparse-embedding.ts";
import {
  type AddNodesOptions,
  addNodesOptions,
  type HybridVectorStoreOptions,
  type LoadOptions,
  loadOptions,
  storeOptions,
} from "./hybrid-vector-store-options.ts";
import { StoredNodes } from "./stored-nodes.ts";
import type { HybridQueryParams } from "./vector-store-query.ts";
import { VectorStoreRetriever, type VectorStoreRetrieverOptions } from "./vector-store-retriever.ts";

/** The folder that LlamaIndex persists to where none is named. */
const defaultPersistDir = "./storage";

/**
 * A vector store of LlamaIndex over any store of core, with sparse vectors beside dense vectors: the modes default (dense),
 * sparse, hybrid and mmr.
 *
 * Sparse vectors are computed in `add` and stay in the store, so nodes and their metadata are not changed. The core store is
 * the caller's to close, unless it was opened by {@link HybridVectorStore.load}.
 *
 * @example
 * const vectorStore = new HybridVectorStore({
 *   store: new MemoryStore(),
 *   sparseEmbedding: await SparseEmbedding.fromModel(),
 * });
 * await vectorStore.add([new TextNode({ text: "The weather is lovely today." })]);
 * await vectorStore.asRetriever({ similarityTopK: 1 }).retrieve("What is the weather like?");
 */
export class HybridVectorStore extends StoredNodes implements AsyncDisposable {
  /** Makes the sparse vectors; undefined for a store without. */
  readonly sparseEmbedding: SparseEmbedding | undefined;
  private readonly nodes: NodeIndex;
  private isOwner = false;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: HybridVectorStoreOptions) {
    const { store, sparseEmbedding, embedModel, fusion, split } = storeOptions.check(
      "HybridVectorStore",
      options ?? null,
    );
    // Core refuses what is not a store.
    super(store as Store, embedModel);
    this.sparseEmbedding = sparseEmbedding;
    this.nodes = new NodeIndex(this.client(), sparseEmbedding, this.embedModel, { fusion, split });
  }

  /**
   * Opens a store that {@link HybridVectorStore.persist} wrote, or an empty one. What is added from then on is kept in the
   * folder at once. Close it at the end.
   *
   * @throws SparseEncoderError as `MemoryStore.open`
   */
  static async load(folder: string, options?: LoadOptions): Promise<HybridVectorStore> {
    const { model, ...rest } = loadOptions.check("load", options);
    const store = await MemoryStore.open(folder, { model });
    try {
      const vectorStore = new HybridVectorStore({ ...rest, store });
      vectorStore.isOwner = true;
      return vectorStore;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** As {@link HybridVectorStore.load}, in the form of LlamaIndex's `SimpleVectorStore`. */
  static fromPersistDir(
    persistDir: string = defaultPersistDir,
    embedModel?: BaseEmbedding,
    options?: LoadOptions,
  ): Promise<HybridVectorStore> {
    return HybridVectorStore.load(persistDir, { ...options, embedModel: embedModel ?? options?.embedModel });
  }

  /** Whether nodes can be searched by dense vectors that this store computes itself. */
  get isDense(): boolean {
    return this.nodes.isDense;
  }

  /**
   * Stores nodes, each in place of the node that has its id. Their embeddings are stored as dense vectors; missing embeddings
   * are computed if there is a model. Metadata are stored as `JSON.stringify` keeps them: dates as ISO text. With `split`, the pieces of
   * nodes are stored instead.
   *
   * @returns their ids; with `split`, the ids of the pieces
   * @throws IngestionError with how many nodes are stored; SparseEncoderError `INVALID_DOCUMENT`, `INVALID_VECTOR` for nodes
   *   without an id or text, two nodes of one id, metadata without JSON or wrong embeddings, before anything is encoded
   */
  async add(nodes: BaseNode[], options?: AddNodesOptions): Promise<string[]> {
    return this.nodes.add(nodes, addNodesOptions.check("add", options));
  }

  /**
   * The nodes that fit best, with their scores: cosine (or the metric of the store) in the modes default and mmr, the dot
   * product of sparse vectors in mode sparse, the fused score in mode hybrid. An empty text with filters finds the nodes that
   * pass the filters, with score 0.
   *
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a mode that this store cannot do, `INVALID_FILTER`,
   *   `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_TEXT`, `ABORTED`, and as core's retriever
   */
  async query(query: VectorStoreQuery<HybridQueryParams>): Promise<VectorStoreQueryResult> {
    return this.nodes.query(query);
  }

  /** A retriever over this store: it needs no index and no `Settings`, and takes options for each call. */
  asRetriever(options?: VectorStoreRetrieverOptions): VectorStoreRetriever {
    return new VectorStoreRetriever(this, options);
  }

  /** Closes the core store if this store opened it. */
  async close(): Promise<void> {
    if (this.isOwner) await this.client().close();
  }

  /** Closes what this store opened: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
