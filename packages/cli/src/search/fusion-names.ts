import type { FusionName } from "@sparse-encoder/core";

/** Ways to make one ranking of several; the first is the default. */
export const fusionNames: readonly FusionName[] = ["distributionScore", "relativeScore", "rrf", "max"];
