import type { VectorStoreQuery } from "@llamaindex/core/vector-store";
import { SparseEncoderError } from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import { invalidArgument } from "./options.ts";

/** The modes of LlamaIndex that a {@link HybridVectorStore} carries out. */
export type HybridQueryMode = "default" | "sparse" | "hybrid" | "mmr";

/**
 * Settings of a query beyond those that LlamaIndex hands on. They are read from the query itself and from its
 * `customParams`, which is the one way through `VectorStoreIndex.asRetriever`; also as in the Python library, with
 * underscores (`sparse_top_k`).
 */
export interface HybridQueryParams {
  /** What dense similarity counts in mode hybrid, from 0 (sparse alone) to 1 (dense alone). Default 0.5. */
  readonly alpha?: number;
  /** Hits of the sparse search that mode hybrid fuses. Default: as core's arms. */
  readonly sparseTopK?: number;
  /** Nodes that mode hybrid gives. Default: `similarityTopK`. */
  readonly hybridTopK?: number;
  /** In mode mmr, from 0 (novelty alone) to 1 (similarity alone). Default: core's. */
  readonly mmrThreshold?: number;
  /** Nodes that mode mmr chooses from. Default: core's. */
  readonly mmrPrefetchK?: number;
  /** Only nodes with these ids, or of source documents with them. */
  readonly docIds?: readonly string[];
  /** Ends the query with an `ABORTED` error. */
  readonly signal?: AbortSignal;
}

/** A query, checked. */
export interface ResolvedQuery extends Omit<HybridQueryParams, "alpha"> {
  readonly mode: HybridQueryMode;
  readonly alpha: number;
  readonly text: string | undefined;
}

const names = {
  alpha: "alpha",
  sparseTopK: "sparse_top_k",
  hybridTopK: "hybrid_top_k",
  mmrThreshold: "mmr_threshold",
  mmrPrefetchK: "mmr_prefetch_k",
  docIds: "doc_ids",
  signal: "signal",
} as const satisfies Record<keyof HybridQueryParams, string>;

export const queryParamNames = Object.keys(names) as (keyof HybridQueryParams)[];

const modes: readonly string[] = ["default", "sparse", "hybrid", "mmr"] satisfies HybridQueryMode[];

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `STORE_UNSUPPORTED` */
export function resolveQuery(query: VectorStoreQuery<HybridQueryParams>): ResolvedQuery {
  const { customParams = {}, queryStr: text } = query;
  checkOptionNames("customParams", customParams, [...new Set(Object.entries(names).flat())]);
  const read = (source: object, name: keyof HybridQueryParams): unknown =>
    (source as Record<string, unknown>)[name] ?? (source as Record<string, unknown>)[names[name]];
  const params: HybridQueryParams = Object.fromEntries(
    queryParamNames.flatMap((name) => {
      const value = read(query, name) ?? read(customParams, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  if (text !== undefined && typeof text !== "string") {
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `query: queryStr must be a string, received ${received(text)}.`,
    );
  }
  const { docIds, alpha = 0.5 } = params;
  checkAlpha("query", alpha);
  if (docIds !== undefined && !(Array.isArray(docIds) && docIds.every((id) => typeof id === "string"))) {
    throw invalidArgument(`query: docIds must be an array of strings, received ${received(docIds)}.`);
  }
  return { ...params, alpha, mode: checkMode(query.mode ?? "default"), text };
}

export function checkAlpha(call: string, alpha: unknown): void {
  if (typeof alpha === "number" && alpha >= 0 && alpha <= 1) return;
  throw invalidArgument(`${call}: alpha must be a number from 0 to 1, received ${received(alpha)}.`);
}

export function checkMode(mode: unknown): HybridQueryMode {
  if (typeof mode === "string" && modes.includes(mode)) return mode as HybridQueryMode;
  throw new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `The mode ${received(mode)} is none that this store can do; valid: ${modes.join(", ")}.`,
  );
}
