import type { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { BaseNode } from "@llamaindex/core/schema";
import type { VectorStoreQuery, VectorStoreQueryResult } from "@llamaindex/core/vector-store";
import {
  type Filter,
  type Fusion,
  HybridRetriever,
  type NewDocument,
  type RetrieveOptions,
  type Store,
} from "@sparse-encoder/core";
import {
  DocumentSplitter,
  goOnSplit,
  invalidArgument,
  received,
  removeOldChunks,
  type SplitSettings,
} from "@sparse-encoder/core/internal";
import type { DenseEmbedding } from "./dense-embedding.ts";
import { splitNodes } from "./node-chunks.ts";
import { documentOf, nodeOf } from "./node-document.ts";
import { mmrOf, weightsOf } from "./query-arms.ts";
import type { SparseEmbedding } from "./sparse-embedding.ts";
import type { CheckedAddNodesOptions } from "./vector-store/hybrid-vector-store-options.ts";
import { docIdsFilter, toFilter } from "./vector-store/metadata-filters.ts";
import {
  type HybridQueryParams,
  type ResolvedQuery,
  resolveQuery,
} from "./vector-store/vector-store-query.ts";

/** How nodes are added and found. */
interface NodeIndexSettings {
  /** Makes one ranking of two in mode hybrid; undefined for core's. */
  readonly fusion: Fusion | undefined;
  /** Whether nodes are split, where a call does not say. */
  readonly split: SplitSettings | false | undefined;
}

/** Nodes in a store of core: adds them and searches them by the arms `sparse` and `dense` of one retriever. */
export class NodeIndex {
  private readonly retriever: HybridRetriever;
  private readonly embedModel: BaseEmbedding;
  private readonly hasSparse: boolean;
  /** Encoders of this library that make vectors of nodes. */
  private readonly encoders: readonly unknown[];
  private readonly split: SplitSettings | false | undefined;

  constructor(
    store: Store,
    sparseEmbedding: SparseEmbedding | undefined,
    embedModel: BaseEmbedding,
    { fusion, split }: NodeIndexSettings,
  ) {
    this.embedModel = embedModel;
    this.hasSparse = sparseEmbedding !== undefined;
    this.encoders = [sparseEmbedding?.encoder, (embedModel as Partial<DenseEmbedding>).encoder];
    this.split = split;
    const embed = (texts: string[], { kind }: { kind: "query" | "document" }) =>
      kind === "query" ? this.embedQueries(texts) : this.embedTexts(texts);
    this.retriever = new HybridRetriever({
      arms: {
        ...(sparseEmbedding === undefined ? {} : { sparse: { encoder: sparseEmbedding.encoder, store } }),
        dense: { embed, store },
      },
      fusion,
    });
  }

  /** Whether the model makes dense vectors. By what it says, not by class: both builds of this package may be loaded. */
  get isDense(): boolean {
    return this.embedModel.embedInfo?.dimensions !== 0;
  }

  /** Stores nodes with the vectors that they bring along and the vectors that they lack. */
  async add(nodes: BaseNode[], options: CheckedAddNodesOptions): Promise<string[]> {
    if (!Array.isArray(nodes)) {
      throw invalidArgument(`add takes an array of nodes, received ${received(nodes)}.`);
    }
    const split = options.split ?? this.split ?? false;
    if (split === false) return this.addNodes(nodes, options, goOn);
    const splitter = new DocumentSplitter("add", this.encoders, split);
    const { pieces, counts } = await splitNodes(nodes, splitter, options.signal);
    const ids = await this.addNodes(pieces, options, goOnSplit("node"));
    await removeOldChunks(this.retriever, counts, options.signal);
    return ids;
  }

  private async addNodes(
    nodes: readonly BaseNode[],
    { signal, progressCallback }: CheckedAddNodesOptions,
    afterFailure: (stored: number) => string,
  ): Promise<string[]> {
    const documents = nodes.map((node, position): NewDocument => {
      const document = documentOf(node, position);
      const { embedding } = node;
      if (embedding === undefined || embedding.length === 0) return document;
      return { ...document, vectors: { dense: Float32Array.from(embedding) } };
    });
    await this.retriever.add(documents, {
      signal,
      onProgress: ({ done }) => progressCallback?.(done, nodes.length),
      wording: { call: "add", goOn: afterFailure },
    });
    return documents.map(({ id }) => id);
  }

  async query(query: VectorStoreQuery<HybridQueryParams>): Promise<VectorStoreQueryResult> {
    const call = resolveQuery(query);
    const { queryEmbedding: embedding, similarityTopK } = query;
    const dense = embedding === undefined || embedding.length === 0 ? undefined : embedding;
    const weights = weightsOf(call, {
      dense: dense !== undefined || this.isDense,
      sparse: this.hasSparse,
      embedding: dense !== undefined,
    });
    const isHybrid = call.mode === "hybrid";
    const options: RetrieveOptions = {
      k: (isHybrid ? call.hybridTopK : undefined) ?? similarityTopK,
      filter: filterOf(query, call),
      weights: this.hasSparse ? { ...weights } : { dense: weights.dense },
      // A single arm keeps its scores.
      fusion: isHybrid ? undefined : "max",
      arms: isHybrid && this.hasSparse ? { sparse: { k: call.sparseTopK } } : undefined,
      mmr: mmrOf(call, weights),
      signal: call.signal,
      wording: { call: "query", armAdvice: "" },
    };
    const vectors = dense === undefined ? {} : { dense };
    const hits = await this.retriever.retrieve({ text: call.text, vectors }, options);
    return {
      nodes: hits.map(nodeOf),
      similarities: hits.map(({ score }) => score),
      ids: hits.map(({ id }) => id),
    };
  }

  /** Without a model, nodes that bring no embedding have no dense vector: a vector of zeros is left out. */
  private async embedTexts(texts: string[]): Promise<number[][]> {
    return this.isDense ? this.embedModel.getTextEmbeddingsBatch(texts) : texts.map(() => [0]);
  }

  /** A text without a vector counts as a vector of zeros, which has no direction. */
  private embedQueries(texts: string[]): Promise<number[][]> {
    const embed = async (text: string) =>
      (await this.embedModel.getQueryEmbedding({ type: "text", text })) ?? [0];
    return Promise.all(texts.map(embed));
  }
}

function filterOf({ filters }: VectorStoreQuery, { docIds }: ResolvedQuery): Filter | undefined {
  const parts: Filter[] = [];
  if (filters !== undefined) parts.push(toFilter(filters));
  if (docIds !== undefined) parts.push(docIdsFilter(docIds));
  return parts.length === 0 ? undefined : { $and: parts };
}

/** Says how to go on after a call of `add` that failed. */
function goOn(stored: number): string {
  if (stored === 0) return "No node is stored.";
  return `The first ${stored} nodes are stored; add all again, which replaces these, or only the nodes from position ${stored} on.`;
}
