import type { BaseEmbedding } from "@llamaindex/core/embeddings";
import { Settings } from "@llamaindex/core/global";
import type { BaseNode } from "@llamaindex/core/schema";
import {
  BaseVectorStore,
  type MetadataFilters,
  type VectorStoreQuery,
  type VectorStoreQueryResult,
} from "@llamaindex/core/vector-store";
import {
  type ArmOptions,
  type DurableStoreOptions,
  type Filter,
  type Fusion,
  HybridRetriever,
  MemoryStore,
  type MmrOptions,
  max,
  type NewDocument,
  SparseEncoderError,
  type Store,
} from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import { matches, parseFilter } from "@sparse-encoder/core/stores";
import { docIdsFilter, refDocFilter, toFilter } from "./metadata-filters.ts";
import { NoDenseEmbedding } from "./no-dense-embedding.ts";
import { documentOf, nodeOf } from "./node-document.ts";
import { defined, invalidArgument } from "./options.ts";
import type { SparseEmbedding } from "./sparse-embedding.ts";
import { copyInto } from "./store-copy.ts";
import { type HybridQueryParams, type ResolvedQuery, resolveQuery } from "./vector-store-query.ts";
import { VectorStoreRetriever, type VectorStoreRetrieverOptions } from "./vector-store-retriever.ts";

/** Options of a {@link HybridVectorStore}. */
export interface HybridVectorStoreOptions {
  /** A store of core, such as `new MemoryStore()`. Vectors are kept in it as `sparse` and `dense`. */
  readonly store: Store;
  /** Makes the sparse vectors. Without it there are the modes default and mmr alone. */
  readonly sparseEmbedding?: SparseEmbedding;
  /** Makes the dense vectors that nodes do not bring along. Default: `Settings.embedModel`; if there is none, the store is for sparse vectors alone. */
  readonly embedModel?: BaseEmbedding;
  /** Makes one ranking of two in mode hybrid. Default: core's. */
  readonly fusion?: Fusion;
}

/** Options of {@link HybridVectorStore.add}. */
export interface AddNodesOptions {
  /** Ends the call with an `ABORTED` error; what was stored by then stays. */
  readonly signal?: AbortSignal;
  /** Called after each batch is stored. */
  readonly progressCallback?: (current: number, total: number) => void;
}

/** Which nodes: those with the ids, those that pass the filters, or those for which both holds. */
export interface NodeSelection {
  readonly nodeIds?: readonly string[];
  readonly filters?: MetadataFilters;
}

/**
 * A vector store of LlamaIndex over any store of core, with sparse vectors beside dense ones: the modes default (dense),
 * sparse, hybrid and mmr.
 *
 * Sparse vectors are computed in `add` and stay in the store, so nodes are not changed and metadata stay as they are. The
 * core store is the caller's to close, unless it was opened by {@link HybridVectorStore.load}.
 *
 * @example
 * const vectorStore = new HybridVectorStore({
 *   store: new MemoryStore(),
 *   sparseEmbedding: new SparseEmbedding({ encoder: await SparseEncoder.load() }),
 * });
 * await vectorStore.add([new TextNode({ text: "The weather is lovely today." })]);
 * await vectorStore.asRetriever({ similarityTopK: 1 }).retrieve("What is the weather like?");
 */
export class HybridVectorStore extends BaseVectorStore<Store, HybridQueryParams> implements AsyncDisposable {
  readonly storesText = true;
  readonly sparseEmbedding: SparseEmbedding | undefined;
  private readonly store: Store;
  private readonly fusion: Fusion | undefined;
  private readonly opened: boolean;
  private readonly writer: HybridRetriever;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: HybridVectorStoreOptions, /** @internal */ opened = false) {
    checkOptionNames("HybridVectorStore", options ?? null, [
      "store",
      "sparseEmbedding",
      "embedModel",
      "fusion",
    ]);
    const { store, sparseEmbedding, embedModel, fusion } = options;
    // The base class throws where there is no model.
    super({ embedModel: embedModel ?? modelOfSettings() ?? new NoDenseEmbedding() });
    if (sparseEmbedding !== undefined && typeof sparseEmbedding?.encoder?.encodeDocument !== "function") {
      throw invalidArgument(
        `HybridVectorStore: sparseEmbedding must be a SparseEmbedding, received ${received(sparseEmbedding)}.`,
      );
    }
    this.store = store;
    this.sparseEmbedding = sparseEmbedding;
    this.fusion = fusion;
    this.opened = opened;
    this.writer = new HybridRetriever({ arms: this.documentArms(), ...defined({ fusion }) });
  }

  /**
   * Opens a store that {@link HybridVectorStore.persist} wrote, or an empty one; what is added from then on is kept there
   * at once. It is to be closed.
   *
   * @throws SparseEncoderError as `MemoryStore.open`
   */
  static async load(
    folder: string,
    options: Omit<HybridVectorStoreOptions, "store"> & Pick<DurableStoreOptions, "model"> = {},
  ): Promise<HybridVectorStore> {
    const { model, ...rest } = options;
    const store = await MemoryStore.open(folder, defined({ model }));
    try {
      return new HybridVectorStore({ ...rest, store }, true);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The core store. */
  client(): Store {
    return this.store;
  }

  /** Whether nodes can be searched by dense vectors that this store computes itself. */
  get isDense(): boolean {
    // By what it says, not by class: both builds of this package may be loaded.
    return this.embedModel.embedInfo?.dimensions !== 0;
  }

  /**
   * Stores nodes, each in place of the one that has its id. Their embeddings are stored as dense vectors, missing ones are
   * computed if there is a model.
   *
   * @returns their ids
   * @throws IngestionError with how many nodes were stored; SparseEncoderError `INVALID_DOCUMENT` for nodes without an id
   *   or text, two of one id, or metadata that are no JSON, before anything is stored
   */
  async add(nodes: BaseNode[], options: AddNodesOptions = {}): Promise<string[]> {
    checkOptionNames("add", options, ["signal", "progressCallback"]);
    if (!Array.isArray(nodes))
      throw invalidArgument(`add takes an array of nodes, received ${received(nodes)}.`);
    const documents = nodes.map((node, place): NewDocument => {
      const document = documentOf(node, place);
      const { embedding } = node;
      if (embedding === undefined || embedding.length === 0) return document;
      return { ...document, vectors: { dense: Float32Array.from(embedding) } };
    });
    const { signal, progressCallback } = options;
    await this.writer.add(documents, {
      ...defined({ signal }),
      onProgress: ({ done }) => progressCallback?.(done, nodes.length),
    });
    return documents.map(({ id }) => id);
  }

  /** Deletes the nodes of a source document; a node without one is its own source. */
  async delete(refDocId: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.store.delete({ filter: refDocFilter(refDocId) }, signalOf("delete", options));
  }

  /** Deletes nodes; unknown ids are passed over. */
  async deleteNodes(
    selection: NodeSelection,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { nodeIds, filter } = selected("deleteNodes", selection);
    const signal = signalOf("deleteNodes", options);
    if (nodeIds === undefined) {
      await this.store.delete({ filter: filter! }, signal);
      return;
    }
    const ids =
      filter === undefined ? nodeIds : (await this.getNodes(selection, options)).map(({ id_ }) => id_);
    await this.store.delete({ ids }, signal);
  }

  /** Nodes by id, in the order of the ids and without those that are unknown; or all that pass the filters, by rising id. */
  async getNodes(
    selection: NodeSelection = {},
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<BaseNode[]> {
    const signal = signalOf("getNodes", options);
    if (selection.nodeIds === undefined) {
      const filter = selection.filters === undefined ? {} : selected("getNodes", selection).filter!;
      const nodes: BaseNode[] = [];
      for await (const document of this.store.iterate({ filter, ...signal })) nodes.push(nodeOf(document));
      return nodes;
    }
    const { nodeIds, filter } = selected("getNodes", selection);
    const found = (await this.store.get(nodeIds!, signal)).filter((document) => document !== undefined);
    if (filter === undefined) return found.map(nodeOf);
    const passing = parseFilter(filter);
    return found.filter(({ metadata }) => matches(passing, metadata)).map(nodeOf);
  }

  /** Deletes all nodes. */
  async clear(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.store.delete({ filter: {} }, signalOf("clear", options));
  }

  /**
   * The nodes that fit best, with their scores: cosine (or the metric of the store) in the modes default and mmr, the dot
   * product of sparse vectors in mode sparse, the fused score in mode hybrid.
   *
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a mode that this store cannot do, `INVALID_FILTER`,
   *   `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_TEXT`, `ABORTED`, and as core's retriever
   */
  async query(query: VectorStoreQuery<HybridQueryParams>): Promise<VectorStoreQueryResult> {
    const call = resolveQuery(query);
    const { mode, docIds } = call;
    const filters: Filter[] = [];
    if (query.filters !== undefined) filters.push(toFilter(query.filters));
    if (docIds !== undefined) filters.push(docIdsFilter(docIds));
    const arms = this.queryArms(call, query.queryEmbedding);
    const hybrid = mode === "hybrid";
    // One arm alone keeps its scores.
    const fusion = hybrid ? this.fusion : max();
    const retriever = new HybridRetriever({ arms, ...defined({ fusion }) });
    const hits = await retriever.retrieve(call.text ?? "", {
      k: (hybrid ? call.hybridTopK : undefined) ?? query.similarityTopK,
      ...(filters.length === 0 ? {} : { filter: { $and: filters } }),
      ...(hybrid ? { weights: { dense: call.alpha, sparse: 1 - call.alpha } } : {}),
      ...(mode === "mmr" ? { mmr: mmrOf(call) } : {}),
      ...defined({ signal: call.signal }),
    });
    return {
      nodes: hits.map(nodeOf),
      similarities: hits.map(({ score }) => score),
      ids: hits.map(({ id }) => id),
    };
  }

  /** A retriever over this store alone: it needs no index and no `Settings`, and takes options for each call. */
  asRetriever(options: VectorStoreRetrieverOptions = {}): VectorStoreRetriever {
    return new VectorStoreRetriever(this, options);
  }

  /**
   * Copies all nodes into a folder, for {@link HybridVectorStore.load}; what the folder has of others is deleted. Without a
   * folder it only asserts that the store is durable: one that is loses nothing that was added.
   *
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a store in memory without a folder, and as `MemoryStore.open`
   */
  async persist(folder?: string): Promise<void> {
    if (folder !== undefined) {
      await copyInto(folder, this.store);
    } else if (!this.store.capabilities.durable) {
      throw new SparseEncoderError(
        "STORE_UNSUPPORTED",
        `persist: the store ${this.store.name} is in memory alone; name a folder, or use HybridVectorStore.load.`,
      );
    }
  }

  /** Closes the core store if this store opened it. */
  async close(): Promise<void> {
    if (this.opened) await this.store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private documentArms(): Record<string, ArmOptions> {
    const { store, sparseEmbedding, embedModel } = this;
    const encoder = sparseEmbedding?.encoder;
    // Without a model, nodes that bring no embedding have no dense vector: that of zeros is left out.
    const embed = async (texts: string[]) =>
      this.isDense ? embedModel.getTextEmbeddingsBatch(texts) : texts.map(() => [0]);
    return { ...(encoder === undefined ? {} : { sparse: { encoder, store } }), dense: { embed, store } };
  }

  private queryArms(call: ResolvedQuery, embedding: number[] | undefined): Record<string, ArmOptions> {
    const { mode, text, sparseTopK } = call;
    const { store } = this;
    const given = embedding !== undefined && embedding.length > 0;
    const arms: Record<string, ArmOptions> = {};
    const byDense = mode === "default" || mode === "hybrid" || (mode === "mmr" && (given || this.isDense));
    if (byDense) {
      if (!given && !this.isDense) {
        throw this.unsupported(mode, "dense vectors; give it an embedModel, or use the mode sparse");
      }
      if (!given) checkText(mode, text);
      arms.dense = { store, embed: async () => [given ? embedding : await this.embedQuery(text!)] };
    }
    if (mode === "sparse" || mode === "hybrid" || !byDense) {
      const encoder = this.sparseEmbedding?.encoder;
      if (encoder === undefined) throw this.unsupported(mode, "sparse vectors; give it a sparseEmbedding");
      checkText(mode, text);
      arms.sparse = { store, encoder, ...(mode === "hybrid" ? defined({ k: sparseTopK }) : {}) };
    }
    return arms;
  }

  private async embedQuery(text: string): Promise<number[]> {
    // A text that the model makes nothing of is near to nothing, as a vector of zeros is.
    return (await this.embedModel.getQueryEmbedding({ type: "text", text })) ?? [0];
  }

  private unsupported(mode: string, lacking: string): SparseEncoderError {
    return new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The mode ${mode} needs what this store lacks: ${lacking}.`,
    );
  }
}

function checkText(mode: string, text: string | undefined): void {
  if (text !== undefined) return;
  throw new SparseEncoderError(
    "INVALID_TEXT",
    `query: the mode ${mode} needs queryStr, the text of the query.`,
  );
}

function mmrOf({ mmrThreshold, mmrPrefetchK }: ResolvedQuery): MmrOptions {
  return defined({ lambda: mmrThreshold, fetchK: mmrPrefetchK });
}

function selected(
  call: string,
  selection: NodeSelection,
): { nodeIds: readonly string[] | undefined; filter: Filter | undefined } {
  checkOptionNames(call, selection ?? null, ["nodeIds", "filters"]);
  const { nodeIds, filters } = selection;
  if (nodeIds === undefined && filters === undefined) {
    throw invalidArgument(`${call}: give nodeIds, filters, or both; clear deletes all nodes.`);
  }
  return { nodeIds, filter: filters === undefined ? undefined : toFilter(filters) };
}

function signalOf(
  call: string,
  options: { readonly signal?: AbortSignal },
): { readonly signal?: AbortSignal } {
  checkOptionNames(call, options, ["signal"]);
  return defined({ signal: options.signal });
}

/** `Settings.embedModel`, whose getter throws where none is set. */
function modelOfSettings(): BaseEmbedding | undefined {
  try {
    return Settings.embedModel;
  } catch {
    return undefined;
  }
}
