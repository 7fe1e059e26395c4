import type { FusionName } from "@sparse-encoder/core";

/** Ways to make one ranking of several, as people read them; the first is the default. */
export const fusionTitles: Readonly<Record<FusionName, string>> = {
  distributionScore: "Distribution of scores",
  relativeScore: "Relative scores",
  rrf: "Ranks (RRF)",
  max: "Largest score",
};

export const fusionNames = Object.keys(fusionTitles) as readonly FusionName[];
