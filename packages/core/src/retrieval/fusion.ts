import { invalidArgument, received } from "../errors.ts";
import { declareOptions, didYouMean, number, rule, unchecked } from "../options/index.ts";
import type { Fusion, FusionOptions, ScoredId, Weights } from "./rankings.ts";
import { combined, extremes, inRange, weightedSum } from "./weighted-rankings.ts";

/** Fusion functions by name, with their defaults; for settings that come as text. */
export type FusionName = "rrf" | "relativeScore" | "distributionScore" | "max";

/** Options of {@link relativeScore}. */
export interface RelativeScoreOptions extends FusionOptions {
  /**
   * What the documents of a list of equal scores, or of one document, get: a number, or a function of their score. LlamaIndex
   * (Python) gives 1 if the score is above 0, else 0, in both fusions that scale scores.
   */
  readonly flat?: number | ((score: number) => number) | undefined;
}

/** Options of {@link distributionScore}. */
export interface DistributionScoreOptions extends RelativeScoreOptions {
  /** Whether the squares are divided by n - 1 (`sample`, the default) or by n (`population`). */
  readonly deviation?: "sample" | "population" | undefined;
}

/** Options of {@link rrf}. */
export interface RrfOptions extends FusionOptions {
  /** How slowly the value of a rank falls: a finite number of at least 0. Default 60. */
  readonly k?: number | undefined;
}

/** How a list of equal scores counts: a value for all, or a value per score. */
const flatRule = rule((value, name): ((score: number) => number) => {
  if (typeof value === "function") return value as (score: number) => number;
  if (typeof value === "number" && Number.isFinite(value)) return () => value;
  throw invalidArgument(`${name} must be a finite number or a function, received ${received(value)}.`);
});

// Checked where they are used, as the weights of a call are.
const weights = unchecked<Weights>();
const rrfOptions = declareOptions<RrfOptions>()({ k: number({ minimum: 0 }).default(60), weights });
const relativeOptions = declareOptions<RelativeScoreOptions>()({ weights, flat: flatRule.default(() => 1) });
const distributionOptions = declareOptions<DistributionScoreOptions>()({
  weights,
  flat: flatRule.default(() => 0.5),
  deviation: rule((value, name): "sample" | "population" => {
    if (value === "sample" || value === "population") return value;
    throw invalidArgument(`${name} must be "sample" or "population", received ${received(value)}.`);
  }).default("sample"),
});
const maxOptions = declareOptions<FusionOptions>()({ weights });

/**
 * Reciprocal rank fusion: the sum over the arms of `weight / (k + rank)`, ranks from 1. Scores of the arms do not matter.
 * LangChain and Elasticsearch count alike; LlamaIndex (Python) counts ranks from 0, which is `k: 59` here, and Qdrant's
 * default is `k: 1` here.
 *
 * Source: Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods
 * (SIGIR 2009).
 *
 * @example
 * rrf()({ sparse: [{ id: "a", score: 9 }], dense: [{ id: "b", score: 0.9 }, { id: "a", score: 0.8 }] });
 * // [{ id: "a", score: 1 / 61 + 1 / 62 }, { id: "b", score: 1 / 61 }]
 */
export function rrf(options?: RrfOptions): Fusion {
  const { k, ...rest } = rrfOptions.check("rrf", options, "rrf: ");
  return weightedSum("rrf", rest, (ranking) => ranking.map((_, position) => 1 / (k + position + 1)));
}

/**
 * The weighted sum of the scores, each arm's list scaled so that its best is 1 and its worst 0. A list of equal scores, or
 * of one document, is all `flat`, 1 by default. An arm gives 0 to documents that it did not find.
 */
export function relativeScore(options?: RelativeScoreOptions): Fusion {
  const { flat, ...rest } = relativeOptions.check("relativeScore", options, "relativeScore: ");
  return weightedSum("relativeScore", rest, (ranking) => {
    const scores = inRange(ranking);
    const [least, most] = extremes(scores);
    return scores.map((score) => (most === least ? flat(score) : (score - least) / (most - least)));
  });
}

/**
 * The weighted sum of the scores, each arm's list scaled so that its mean less 3 standard deviations is 0, and its mean plus
 * 3 is 1; scores beyond are not cut. The deviation is the deviation of a sample (n - 1), unless the options say otherwise. A
 * list of equal scores, or of one document, is all `flat`, 0.5 by default. An arm gives 0 to documents that it did not find. Qdrant's `dbsf`
 * counts alike; LlamaIndex (Python) counts with `deviation: "population"`.
 */
export function distributionScore(options?: DistributionScoreOptions): Fusion {
  const call = "distributionScore";
  const { flat, deviation: kind, ...rest } = distributionOptions.check(call, options, `${call}: `);
  return weightedSum(call, rest, (ranking) => {
    const scores = inRange(ranking);
    const [least, most] = extremes(scores);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / (kind === "sample" ? scores.length - 1 : scores.length));
    // Rounding of the mean may leave equal scores a deviation; tiny ones may have a square of 0.
    const isFlat = most === least || deviation === 0;
    return scores.map((score) => (isFlat ? flat(score) : (score - (mean - 3 * deviation)) / (6 * deviation)));
  });
}

/** The largest weight x score that an arm gives. For arms whose scores are on one scale, such as several fields of one encoder. */
export function max(options?: FusionOptions): Fusion {
  const checked = maxOptions.check("max", options, "max: ");
  const values = (ranking: readonly ScoredId[]) => ranking.map(({ score }) => score);
  return combined("max", checked, values, (parts) => Math.max(...parts));
}

const fusions: Readonly<Record<FusionName, () => Fusion>> = { rrf, relativeScore, distributionScore, max };

/** What other libraries call the fusions, written small and without `_`, `-` and blanks. */
const fusionsElsewhere: Readonly<Record<string, FusionName>> = {
  rrf: "rrf",
  rank: "rrf",
  ranked: "rrf",
  rankedfusion: "rrf",
  reciprocalrank: "rrf",
  reciprocalrankfusion: "rrf",
  reciprocalrerank: "rrf",
  relativescore: "relativeScore",
  relativescorefusion: "relativeScore",
  relative: "relativeScore",
  minmax: "relativeScore",
  linear: "relativeScore",
  weighted: "relativeScore",
  convex: "relativeScore",
  dbsf: "distributionScore",
  distbasedscore: "distributionScore",
  distributionbasedscore: "distributionScore",
  distributionbasedscorefusion: "distributionScore",
  distributionscore: "distributionScore",
  max: "max",
  simple: "max",
};

/**
 * The function of that name; a function as it is.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function fusionOf(fusion: Fusion | FusionName): Fusion {
  if (typeof fusion === "function") return fusion;
  if (typeof fusion === "string" && Object.hasOwn(fusions, fusion)) return fusions[fusion]();
  const plain = typeof fusion === "string" ? (fusion as string).replaceAll(/[_\s-]/g, "").toLowerCase() : "";
  const hint = didYouMean(Object.hasOwn(fusionsElsewhere, plain) ? fusionsElsewhere[plain] : undefined);
  throw invalidArgument(
    `fusion must be a function or one of ${Object.keys(fusions).join(", ")}, received ${received(fusion)}.${hint}`,
  );
}
