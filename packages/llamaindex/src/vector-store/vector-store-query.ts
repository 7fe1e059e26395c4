import type { VectorStoreQuery } from "@llamaindex/core/vector-store";
import { SparseEncoderError } from "@sparse-encoder/core";
import {
  abortSignal,
  checkOptionNames,
  count,
  declareOptions,
  defined,
  invalidArgument,
  number,
  received,
  rule,
} from "@sparse-encoder/core/internal";

/** The modes of LlamaIndex that a {@link HybridVectorStore} carries out. */
export type HybridQueryMode = "default" | "sparse" | "hybrid" | "mmr";

/**
 * Settings of a query beyond what LlamaIndex hands on. They are read from the query itself and from its `customParams`, which
 * is the one way through `VectorStoreIndex.asRetriever`; also as in the Python library, with underscores (`sparse_top_k`).
 */
export interface HybridQueryParams {
  /** What dense similarity counts in mode hybrid, from 0 (only sparse) to 1 (only dense). Default 0.5. */
  readonly alpha?: number | undefined;
  /** Hits of the sparse search that mode hybrid fuses. Default: as the arms of core. */
  readonly sparseTopK?: number | undefined;
  /** Nodes that mode hybrid gives. Default: `similarityTopK`. */
  readonly hybridTopK?: number | undefined;
  /** In mode mmr, from 0 (only novelty) to 1 (only similarity). Default: core's. */
  readonly mmrThreshold?: number | undefined;
  /** Nodes that mode mmr chooses from. Default: core's. */
  readonly mmrPrefetchK?: number | undefined;
  /** Only nodes with these ids, or of source documents with these ids. */
  readonly docIds?: readonly string[] | undefined;
  /** Ends the query with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

/** A query, checked. */
export interface ResolvedQuery extends Omit<HybridQueryParams, "alpha"> {
  readonly mode: HybridQueryMode;
  readonly alpha: number;
  readonly text: string | undefined;
}

/** The settings of a query: names, checks, defaults. */
export const queryParams = declareOptions<HybridQueryParams>()({
  alpha: number({ minimum: 0, maximum: 1 }).default(0.5),
  sparseTopK: count(),
  hybridTopK: count(),
  mmrThreshold: rule((value, name): number => {
    if (typeof value === "number" && value >= 0 && value <= 1) return value;
    throw invalidArgument(
      `${name}, the lambda of the diversification, must be a number from 0 to 1, received ${received(value)}.`,
    );
  }),
  mmrPrefetchK: count(),
  docIds: rule((value, name): readonly string[] => {
    if (Array.isArray(value) && value.every((id) => typeof id === "string")) return value;
    throw invalidArgument(`${name} must be an array of strings, received ${received(value)}.`);
  }),
  signal: abortSignal(),
});

/** The names of the Python library. */
const pythonNames = {
  alpha: "alpha",
  sparseTopK: "sparse_top_k",
  hybridTopK: "hybrid_top_k",
  mmrThreshold: "mmr_threshold",
  mmrPrefetchK: "mmr_prefetch_k",
  docIds: "doc_ids",
  signal: "signal",
} as const satisfies Record<keyof HybridQueryParams, string>;

const modes: readonly string[] = ["default", "sparse", "hybrid", "mmr"] satisfies HybridQueryMode[];

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_TEXT`, `STORE_UNSUPPORTED` */
export function resolveQuery(query: VectorStoreQuery<HybridQueryParams>): ResolvedQuery {
  const { customParams = {}, queryStr: text } = query;
  checkOptionNames("customParams", customParams, [...new Set(Object.entries(pythonNames).flat())]);
  const params = queryParams.check("query", { ...readParams(customParams), ...readParams(query) }, "query: ");
  if (text !== undefined && typeof text !== "string") {
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `query: queryStr must be a string, received ${received(text)}.`,
    );
  }
  return { ...params, mode: checkMode(query.mode ?? "default"), text };
}

/** @throws SparseEncoderError `STORE_UNSUPPORTED` */
export function checkMode(mode: unknown): HybridQueryMode {
  if (typeof mode === "string" && modes.includes(mode)) return mode as HybridQueryMode;
  throw new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `This store cannot search in the mode ${received(mode)}; valid modes: ${modes.join(", ")}.`,
  );
}

/** The settings that an object holds, under either of their names. */
function readParams(source: object): HybridQueryParams {
  const values = new Map<string, unknown>(Object.entries(source));
  const entries = Object.entries(pythonNames).map(([name, pythonName]) => [
    name,
    values.get(name) ?? values.get(pythonName),
  ]);
  return defined(Object.fromEntries(entries) as HybridQueryParams);
}
