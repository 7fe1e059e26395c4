import { DEFAULT_SIMILARITY_TOP_K } from "@llamaindex/core/embeddings";
import type { BaseNodePostprocessor } from "@llamaindex/core/postprocessor";
import type { BaseRetriever } from "@llamaindex/core/retriever";
import type { MetadataFilters } from "@llamaindex/core/vector-store";
import type { Fusion, RetrievalSettings } from "@sparse-encoder/core";
import {
  abortSignal,
  type CheckedOptions,
  count,
  declareOptions,
  invalidArgument,
  number,
  received,
  retrievalSettingOptions,
  rule,
  unchecked,
} from "@sparse-encoder/core/internal";
import type { FusionMode } from "./fusion-mode.ts";

/** Options of a hybrid retriever. */
export interface HybridRetrieverOptions
  extends Pick<RetrievalSettings, "onArmError" | "timeout" | "onEvent"> {
  /** At least one; any of LlamaIndex. Each gives as many nodes as it is set to: give it more than `similarityTopK`. */
  readonly retrievers: readonly BaseRetriever[];
  /**
   * What the retrievers count, in their order; only their proportions matter. Default: all alike. As in the Python library,
   * the modes `reciprocal_rerank` and `simple` ignore weights. A retriever of weight 0 is not asked.
   */
  readonly weights?: readonly number[] | undefined;
  /** A mode of the Python library's `QueryFusionRetriever`, or a fusion of core, such as `rrf()`. Default: core's. */
  readonly mode?: FusionMode | Fusion | undefined;
  /** The rank of the best node in the mode `reciprocal_rerank`: 1 / (60 + rank). Default 0, as in the Python library. */
  readonly rankBase?: 0 | 1 | undefined;
  /** Nodes to give. Default: LlamaIndex's, 2. */
  readonly similarityTopK?: number | undefined;
  /** Applied one after another to all fused nodes, best first, before they are cut to `similarityTopK`. */
  readonly nodePostprocessors?: readonly BaseNodePostprocessor[] | undefined;
}

/** Options of a call of `retrieve` of a hybrid retriever. */
export interface HybridRetrieveOptions {
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
  /** Only nodes that pass these filters and the filters of the retrievers. Values may be dates. */
  readonly filters?: MetadataFilters | undefined;
  /**
   * What dense similarity counts, from 0 (only sparse) to 1 (only dense): for the retrievers of mode hybrid or, if there are
   * none, for two retrievers, the dense one first.
   */
  readonly alpha?: number | undefined;
  /** Nodes to give. */
  readonly similarityTopK?: number | undefined;
}

const { onArmError, timeout, onEvent } = retrievalSettingOptions.rules;

const retrieverOptions = declareOptions<HybridRetrieverOptions>()({
  retrievers: unchecked<readonly BaseRetriever[]>(),
  // Compared with the retrievers.
  weights: unchecked<readonly number[]>(),
  mode: unchecked<FusionMode | Fusion>(),
  rankBase: rule((value): 0 | 1 => {
    if (value === 0 || value === 1) return value;
    throw invalidArgument(`HybridRetriever: rankBase must be 0 or 1, received ${received(value)}.`);
  }).default(0),
  // Core checks it, as k.
  similarityTopK: unchecked<number>().default(DEFAULT_SIMILARITY_TOP_K),
  nodePostprocessors: rule((value, name): readonly BaseNodePostprocessor[] => {
    const list: BaseNodePostprocessor[] = Array.isArray(value) ? value : [];
    if (Array.isArray(value) && list.every((one) => typeof one?.postprocessNodes === "function"))
      return [...list];
    throw invalidArgument(`${name} must be an array of node postprocessors, received ${received(value)}.`);
  }).default([]),
  onArmError,
  timeout,
  onEvent,
});

/** The options of a call: names and checks. */
export const retrieveOptions = declareOptions<HybridRetrieveOptions>()({
  signal: abortSignal(),
  filters: unchecked<MetadataFilters>(),
  alpha: number({ minimum: 0, maximum: 1 }),
  similarityTopK: count(),
});

/** Options of a hybrid retriever, checked. */
export type CheckedRetrieverOptions = Omit<
  CheckedOptions<(typeof retrieverOptions)["rules"]>,
  "retrievers" | "weights"
> & {
  readonly retrievers: readonly BaseRetriever[];
  /** They add up to 1. */
  readonly weights: readonly number[];
};

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkRetrieverOptions(options: unknown): CheckedRetrieverOptions {
  const { retrievers, weights, ...rest } = retrieverOptions.check("HybridRetriever", options ?? null);
  if (
    !Array.isArray(retrievers) ||
    retrievers.length === 0 ||
    !retrievers.every((one) => typeof one?._retrieve === "function")
  ) {
    throw invalidArgument(
      `HybridRetriever: retrievers must be an array of at least one retriever, received ${received(retrievers)}.`,
    );
  }
  return {
    ...rest,
    retrievers: [...retrievers],
    weights: shares(weights ?? retrievers.map(() => 1), retrievers.length),
  };
}

/** Weights that add up to 1. */
function shares(weights: unknown, count: number): number[] {
  const list: number[] = Array.isArray(weights) ? weights : [];
  if (
    list.length !== count ||
    !list.every((one) => Number.isFinite(one) && one >= 0) ||
    list.every((one) => one === 0)
  ) {
    throw invalidArgument(
      `HybridRetriever: weights must be one number of at least 0 a retriever, ${count} in all, not all 0, received ${received(weights)}.`,
    );
  }
  const sum = list.reduce((total, one) => total + one, 0);
  return list.map((one) => one / sum);
}
