import { distributionScore, type Fusion, max, relativeScore, rrf } from "@sparse-encoder/core";
import { invalidArgument, received } from "@sparse-encoder/core/internal";

/** The fusion modes of `QueryFusionRetriever` in LlamaIndex's Python library. */
export type FusionMode = "reciprocal_rerank" | "relative_score" | "dist_based_score" | "simple";

/** A fusion of core that counts as a mode does, and whether the mode looks at weights. */
export interface ModeFusion {
  readonly fusion: Fusion;
  readonly weighted: boolean;
}

/** In the Python library, equal scores of a list, or a single one, become 1 if they are above 0, else 0. */
const flat = (score: number) => (score > 0 ? 1 : 0);

const modes: Readonly<Record<FusionMode, (rankBase: 0 | 1) => ModeFusion>> = {
  // Core counts ranks from 1, the Python library from 0.
  reciprocal_rerank: (rankBase) => ({ fusion: rrf({ k: rankBase === 0 ? 59 : 60 }), weighted: false }),
  relative_score: () => ({ fusion: relativeScore({ flat }), weighted: true }),
  dist_based_score: () => ({ fusion: distributionScore({ flat, deviation: "population" }), weighted: true }),
  simple: () => ({ fusion: max(), weighted: false }),
};

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function fusionOf(mode: unknown, rankBase: 0 | 1): ModeFusion {
  if (typeof mode === "function") return { fusion: mode as Fusion, weighted: true };
  if (typeof mode !== "string" || !Object.hasOwn(modes, mode)) {
    throw invalidArgument(
      `HybridRetriever: mode must be one of ${Object.keys(modes).join(", ")}, or a fusion function, received ${received(mode)}.`,
    );
  }
  return modes[mode as FusionMode](rankBase);
}
