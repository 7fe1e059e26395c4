import { DEFAULT_SIMILARITY_TOP_K } from "@llamaindex/core/embeddings";
import type { BaseNodePostprocessor } from "@llamaindex/core/postprocessor";
import type { QueryBundle } from "@llamaindex/core/query-engine";
import type { BaseRetriever } from "@llamaindex/core/retriever";
import type { BaseNode, NodeWithScore } from "@llamaindex/core/schema";
import { extractText } from "@llamaindex/core/utils";
import type { MetadataFilters } from "@llamaindex/core/vector-store";
import {
  type ArmOptions,
  HybridRetriever as CoreRetriever,
  type FoundDocument,
  type Fusion,
  type RetrievalSettings,
} from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import { askChild, type ChildCall, isHybrid } from "./child-retriever.ts";
import { type FusionMode, fusionOf, type ModeFusion } from "./fusion-mode.ts";
import { toFilter } from "./metadata-filters.ts";
import { defined, invalidArgument } from "./options.ts";
import { PerCallRetriever } from "./per-call-retriever.ts";
import { checkAlpha } from "./vector-store-query.ts";

/** Options of a {@link HybridRetriever}. */
export interface HybridRetrieverOptions
  extends Pick<RetrievalSettings, "onArmError" | "timeout" | "onEvent"> {
  /** At least one; any of LlamaIndex. Each gives as many nodes as it is set to: give it more than `similarityTopK`. */
  readonly retrievers: readonly BaseRetriever[];
  /**
   * What the retrievers count, in their order; only their proportions matter. Default: all alike. As in the Python library,
   * the modes `reciprocal_rerank` and `simple` do not look at weights. A retriever of weight 0 is not asked.
   */
  readonly weights?: readonly number[];
  /** A mode of the Python library's `QueryFusionRetriever`, or a fusion of core, such as `rrf()`. Default: core's. */
  readonly mode?: FusionMode | Fusion;
  /** The rank of the best in the mode `reciprocal_rerank`: 1 / (60 + rank). Default 0, as in the Python library. */
  readonly rankBase?: 0 | 1;
  /** Nodes to give. Default: that of LlamaIndex, 2. */
  readonly similarityTopK?: number;
  /** Applied one after another to all fused nodes, best first, before they are cut to `similarityTopK`. */
  readonly nodePostprocessors?: readonly BaseNodePostprocessor[];
}

/** Options of a call of {@link HybridRetriever.retrieve}. */
export interface HybridRetrieveOptions {
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal;
  /** Only nodes that pass, in all retrievers, beside their own filters. */
  readonly filters?: MetadataFilters;
  /**
   * What dense similarity counts, from 0 (sparse alone) to 1 (dense alone): for the retrievers of mode hybrid or, if there
   * are none, for two retrievers, of which the first is the dense one.
   */
  readonly alpha?: number;
  /** Nodes to give. */
  readonly similarityTopK?: number;
}

/**
 * Fuses what several retrievers find, by node id: what `QueryFusionRetriever` does in LlamaIndex's Python library, without
 * its rewriting of queries. Equal scores come by id. For `RetrieverQueryEngine`, chat engines and query tools.
 *
 * @example
 * const retriever = new HybridRetriever({
 *   retrievers: [
 *     vectorStore.asRetriever({ mode: "default", similarityTopK: 50 }),
 *     vectorStore.asRetriever({ mode: "sparse", similarityTopK: 50 }),
 *   ],
 *   mode: "relative_score",
 *   weights: [0.4, 0.6],
 *   similarityTopK: 5,
 * });
 * await retriever.retrieve("heat transfer", { filters: { filters: [{ key: "year", operator: ">=", value: 1960 }] } });
 */
export class HybridRetriever extends PerCallRetriever<HybridRetrieveOptions> {
  private readonly retrievers: readonly BaseRetriever[];
  private readonly weights: readonly number[];
  private readonly mode: ModeFusion | undefined;
  private readonly similarityTopK: number;
  private readonly nodePostprocessors: readonly BaseNodePostprocessor[];
  private readonly settings: RetrievalSettings;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: HybridRetrieverOptions) {
    super();
    checkOptionNames("HybridRetriever", options ?? null, [
      "retrievers",
      "weights",
      "mode",
      "rankBase",
      "similarityTopK",
      "nodePostprocessors",
      "onArmError",
      "timeout",
      "onEvent",
    ]);
    const { retrievers, weights, mode, rankBase = 0, similarityTopK, nodePostprocessors = [] } = options;
    const { onArmError, timeout, onEvent } = options;
    if (
      !Array.isArray(retrievers) ||
      retrievers.length === 0 ||
      !retrievers.every((one) => typeof one?._retrieve === "function")
    ) {
      throw invalidArgument(
        `HybridRetriever: retrievers must be an array of at least one retriever, received ${received(retrievers)}.`,
      );
    }
    if (rankBase !== 0 && rankBase !== 1) {
      throw invalidArgument(`HybridRetriever: rankBase must be 0 or 1, received ${received(rankBase)}.`);
    }
    this.retrievers = [...retrievers];
    this.weights = checkWeights(weights ?? retrievers.map(() => 1), retrievers.length);
    this.mode = mode === undefined ? undefined : fusionOf(mode, rankBase);
    this.similarityTopK = similarityTopK ?? DEFAULT_SIMILARITY_TOP_K;
    this.nodePostprocessors = [...nodePostprocessors];
    this.settings = defined({ onArmError, timeout, onEvent, fusion: this.mode?.fusion });
    // For its checks.
    new CoreRetriever({
      arms: { "0": { retrieve: async () => [] } },
      ...this.settings,
      k: this.similarityTopK,
    });
  }

  async _retrieveWith(bundle: QueryBundle, options: HybridRetrieveOptions): Promise<NodeWithScore[]> {
    checkOptionNames("retrieve", options, ["signal", "filters", "alpha", "similarityTopK"]);
    const { signal, filters, alpha, similarityTopK: topK = this.similarityTopK } = options;
    if (filters !== undefined) toFilter(filters);
    const hybrid = this.retrievers.some(isHybrid);
    const weights = alpha === undefined || hybrid ? this.weights : this.weightsOf(alpha);
    if (alpha !== undefined) checkAlpha("retrieve", alpha);
    const nodes = new Map<string, BaseNode>();
    const ask = async (retriever: BaseRetriever, call: ChildCall): Promise<FoundDocument[]> => {
      const found = await askChild(retriever, bundle, call);
      for (const { node } of found) if (!nodes.has(node.id_)) nodes.set(node.id_, node);
      return found
        .map(({ node, score = 0 }) => ({ id: node.id_, score, text: "" }))
        .sort((a, b) => b.score - a.score);
    };
    const arms = this.retrievers.map((retriever, place): [string, ArmOptions] => [
      String(place),
      {
        k: Number.MAX_SAFE_INTEGER,
        retrieve: async (_, { signal: inner }) => [await ask(retriever, { filters, alpha, signal: inner })],
      },
    ]);
    const text = extractText(bundle.query);
    const hits = await new CoreRetriever({ arms: Object.fromEntries(arms), ...this.settings }).retrieve(
      text,
      {
        k: this.nodePostprocessors.length === 0 ? topK : Number.MAX_SAFE_INTEGER,
        ...(this.mode?.weighted === false ? {} : { weights: Object.fromEntries(Object.entries(weights)) }),
        ...defined({ signal }),
      },
    );
    let fused = hits.map(({ id, score }): NodeWithScore => ({ node: nodes.get(id)!, score }));
    for (const postprocessor of this.nodePostprocessors) {
      fused = await postprocessor.postprocessNodes(fused, bundle.query);
    }
    return fused.slice(0, topK);
  }

  private weightsOf(alpha: number): readonly number[] {
    checkAlpha("retrieve", alpha);
    if (this.retrievers.length !== 2) {
      throw invalidArgument(
        `retrieve: alpha is for retrievers of mode hybrid, or for two retrievers, the dense one first; here are ${this.retrievers.length}. Use weights.`,
      );
    }
    if (this.mode?.weighted === false) {
      throw invalidArgument(
        "retrieve: the mode of this retriever does not look at weights, so alpha has no effect.",
      );
    }
    return [alpha, 1 - alpha];
  }
}

/** Weights that add up to 1. */
function checkWeights(weights: unknown, count: number): number[] {
  if (
    !Array.isArray(weights) ||
    weights.length !== count ||
    !weights.every((one) => Number.isFinite(one) && one >= 0) ||
    weights.every((one) => one === 0)
  ) {
    throw invalidArgument(
      `HybridRetriever: weights must be one number of at least 0 a retriever, ${count} in all, not all 0, received ${received(weights)}.`,
    );
  }
  const sum = weights.reduce((total, one) => total + one, 0);
  return weights.map((one) => one / sum);
}
