export {
  distributionScore,
  type Fusion,
  type FusionOptions,
  max,
  type Rankings,
  type RrfOptions,
  relativeScore,
  rrf,
  type ScoredId,
  type Weights,
} from "./fusion.ts";
