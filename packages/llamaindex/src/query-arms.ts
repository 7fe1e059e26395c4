import { type MmrOptions, SparseEncoderError } from "@sparse-encoder/core";
import type { ResolvedQuery } from "./vector-store/vector-store-query.ts";

/** The weights of the arms of a query; an arm of weight 0 is not asked. */
interface ArmWeights {
  readonly dense: number;
  readonly sparse: number;
}

/** What a store can search by. */
interface Abilities {
  /** Whether there is a dense vector of the query, or a model that makes one. */
  readonly dense: boolean;
  readonly sparse: boolean;
  /** Whether the query has its dense vector with it. */
  readonly embedding: boolean;
}

/**
 * What the arms count in the mode of a query.
 *
 * @throws SparseEncoderError `STORE_UNSUPPORTED`, `INVALID_TEXT` for a mode that lacks what it needs
 */
export function weightsOf({ mode, alpha, text }: ResolvedQuery, has: Abilities): ArmWeights {
  const byDense = mode === "mmr" ? has.dense : mode !== "sparse";
  const bySparse = mode === "hybrid" || !byDense;
  if (byDense && !has.dense) {
    throw unsupported(mode, "dense vectors; give it an embedModel, or use the mode sparse");
  }
  if (byDense && !has.embedding) checkText(mode, text);
  if (bySparse && !has.sparse) throw unsupported(mode, "sparse vectors; give it a sparseEmbedding");
  if (bySparse) checkText(mode, text);
  if (mode === "hybrid") return { dense: alpha, sparse: 1 - alpha };
  return byDense ? { dense: 1, sparse: 0 } : { dense: 0, sparse: 1 };
}

/** The diversification of a query of mode mmr, by the vectors of the arm that is asked. */
export function mmrOf(
  { mode, mmrThreshold, mmrPrefetchK }: ResolvedQuery,
  { dense }: ArmWeights,
): MmrOptions | undefined {
  if (mode !== "mmr") return undefined;
  return { arm: dense > 0 ? "dense" : "sparse", lambda: mmrThreshold, fetchK: mmrPrefetchK };
}

function checkText(mode: string, text: string | undefined): void {
  if (text !== undefined) return;
  throw new SparseEncoderError(
    "INVALID_TEXT",
    `query: the mode ${mode} needs queryStr, the text of the query.`,
  );
}

function unsupported(mode: string, lacking: string): SparseEncoderError {
  return new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `The mode ${mode} needs what this store lacks: ${lacking}.`,
  );
}
