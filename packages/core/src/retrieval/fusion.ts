import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";

/** A document of a ranking and its score there. */
export interface ScoredId {
  readonly id: string;
  readonly score: number;
}

/** Rankings by name of the arm, best first. */
export type Rankings = Readonly<Record<string, readonly ScoredId[]>>;

/** Weights by name of the arm: finite, at least 0. An arm without one has weight 1. */
export type Weights = Readonly<Record<string, number>>;

/**
 * Makes one ranking of several: the documents of all rankings, each once, with a score by which the larger is better. The
 * order of the answer does not matter to a retriever, which sorts it; those of this library are sorted. Any function of
 * this form will do.
 *
 * @param rankings of the arms that answered; an empty one if an arm found nothing
 * @param weights of this call, before those that the function was made with
 */
export type Fusion = (rankings: Rankings, weights?: Weights) => readonly ScoredId[];

/** Fusion functions by name, with their defaults; for settings that come as text. */
export type FusionName = "rrf" | "relativeScore" | "distributionScore" | "max";

/** Options of the fusion functions. */
export interface FusionOptions {
  /** What each arm counts, by its name. Default 1. An arm of weight 0 is left out, with what it alone found. */
  readonly weights?: Weights;
}

/** Options of {@link relativeScore}. */
export interface RelativeScoreOptions extends FusionOptions {
  /**
   * What the documents of a list of equal scores, or of one, get: a number, or a function of their score. LlamaIndex
   * (Python) gives 1 if the score is above 0, else 0, in both fusions that scale scores.
   */
  readonly flat?: number | ((score: number) => number);
}

/** Options of {@link distributionScore}. */
export interface DistributionScoreOptions extends RelativeScoreOptions {
  /** Whether the squares are divided by n - 1 (`sample`, the default) or by n (`population`). */
  readonly deviation?: "sample" | "population";
}

/** Options of {@link rrf}. */
export interface RrfOptions extends FusionOptions {
  /** How slowly the value of a rank falls: a finite number of at least 0. Default 60. */
  readonly k?: number;
}

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
export function rrf(options: RrfOptions = {}): Fusion {
  checkOptionNames("rrf", options, ["k", "weights"]);
  const { k = 60 } = options;
  if (typeof k !== "number" || !Number.isFinite(k) || k < 0) {
    throw invalidArgument(`rrf: k must be a finite number of at least 0, received ${received(k)}.`);
  }
  return weightedSum("rrf", options, (ranking) => ranking.map((_, position) => 1 / (k + position + 1)));
}

/**
 * The weighted sum of the scores, each arm's list scaled so that its best is 1 and its worst 0. A list of equal scores, or
 * of one, is all `flat`, 1 by default. An arm gives 0 to documents that it did not find.
 */
export function relativeScore(options: RelativeScoreOptions = {}): Fusion {
  checkOptionNames("relativeScore", options, ["weights", "flat"]);
  const flat = flatValue("relativeScore", options.flat, 1);
  return weightedSum("relativeScore", options, (ranking) => {
    const scores = inRange(ranking);
    const [least, most] = extremes(scores);
    return scores.map((score) => (most === least ? flat(score) : (score - least) / (most - least)));
  });
}

/**
 * The weighted sum of the scores, each arm's list scaled so that its mean less 3 standard deviations is 0, and its mean plus
 * 3 is 1; scores beyond are not cut. The deviation is that of a sample (n - 1), unless the options say otherwise. A list of
 * equal scores, or of one, is all `flat`, 0.5 by default. An arm gives 0 to documents that it did not find. Qdrant's `dbsf`
 * counts alike; LlamaIndex (Python) counts with `deviation: "population"`.
 */
export function distributionScore(options: DistributionScoreOptions = {}): Fusion {
  checkOptionNames("distributionScore", options, ["weights", "flat", "deviation"]);
  const flat = flatValue("distributionScore", options.flat, 0.5);
  const { deviation: kind = "sample" } = options;
  if (kind !== "sample" && kind !== "population") {
    throw invalidArgument(
      `distributionScore: deviation must be "sample" or "population", received ${received(kind)}.`,
    );
  }
  return weightedSum("distributionScore", options, (ranking) => {
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
export function max(options: FusionOptions = {}): Fusion {
  checkOptionNames("max", options, ["weights"]);
  const values = (ranking: readonly ScoredId[]) => ranking.map(({ score }) => score);
  return combined("max", options, values, (parts) => Math.max(...parts));
}

const fusions: Readonly<Record<FusionName, () => Fusion>> = { rrf, relativeScore, distributionScore, max };

/**
 * The function of that name; a function as it is.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function fusionOf(fusion: Fusion | FusionName): Fusion {
  if (typeof fusion === "function") return fusion;
  if (typeof fusion === "string" && Object.hasOwn(fusions, fusion)) return fusions[fusion]();
  throw invalidArgument(
    `fusion must be a function or one of ${Object.keys(fusions).join(", ")}, received ${received(fusion)}.`,
  );
}

function flatValue(
  call: string,
  flat: RelativeScoreOptions["flat"],
  byDefault: number,
): (score: number) => number {
  if (typeof flat === "function") return flat;
  const value = flat ?? byDefault;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw invalidArgument(`${call}: flat must be a finite number or a function, received ${received(flat)}.`);
  }
  return () => value;
}

/** Order of hits: score descending, then the smaller id by UTF-16 code units. */
export function compareScores(a: ScoredId, b: ScoredId): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkWeight(name: string, weight: unknown): number {
  if (typeof weight !== "number" || !Number.isFinite(weight) || weight < 0) {
    throw invalidArgument(`${name} must be a finite number of at least 0, received ${received(weight)}.`);
  }
  return weight;
}

/** Checks weights by name; undefined if none are given. */
export function checkWeights(call: string, weights: unknown): Weights | undefined {
  if (weights === undefined) return undefined;
  if (typeof weights !== "object" || weights === null || Array.isArray(weights)) {
    throw invalidArgument(
      `${call}: weights must map names of arms to numbers, received ${received(weights)}.`,
    );
  }
  for (const [arm, weight] of Object.entries(weights)) checkWeight(`${call}: the weight of ${arm}`, weight);
  return weights as Weights;
}

/** Values of the documents of one ranking, in its order. */
type Scale = (ranking: readonly ScoredId[]) => readonly number[];

function weightedSum(call: string, options: FusionOptions, scale: Scale): Fusion {
  // Smallest first: floating-point sums depend on the order, and that of the arms must not matter.
  return combined(call, options, scale, (parts) =>
    parts.sort((a, b) => a - b).reduce((sum, part) => sum + part, 0),
  );
}

function combined(
  call: string,
  options: FusionOptions,
  scale: Scale,
  join: (parts: number[]) => number,
): Fusion {
  const own = checkWeights(call, options.weights);
  return (rankings, weights) => {
    checkWeights(call, weights);
    const parts = new Map<string, number[]>();
    for (const [arm, hits] of Object.entries(rankings)) {
      const weight = weightOf(arm, weights) ?? weightOf(arm, own) ?? 1;
      if (weight === 0) continue;
      const ranking = distinct(call, arm, hits);
      const values = scale(ranking);
      ranking.forEach(({ id }, position) => {
        const part = weight * values[position]!;
        const known = parts.get(id);
        if (known === undefined) parts.set(id, [part]);
        else known.push(part);
      });
    }
    return Array.from(parts, ([id, values]) => ({ id, score: join(values) })).sort(compareScores);
  };
}

function weightOf(arm: string, weights: Weights | undefined): number | undefined {
  return weights !== undefined && Object.hasOwn(weights, arm) ? weights[arm] : undefined;
}

/** The ranking without repeats: a document counts where it stands first. */
function distinct(call: string, arm: string, hits: readonly ScoredId[]): ScoredId[] {
  const seen = new Set<string>();
  return hits.filter(({ id, score }) => {
    if (!Number.isFinite(score)) {
      throw invalidArgument(
        `${call}: the arm ${arm} gives ${received(id)} the score ${received(score)}; it must be finite.`,
      );
    }
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** Beyond this the square of a score, or the distance of two, may be infinite. */
const largest = 1e150;

/** The scores, all divided by the largest where they would leave the range of numbers. */
function inRange(ranking: readonly ScoredId[]): number[] {
  const most = ranking.reduce((found, { score }) => Math.max(found, Math.abs(score)), 0);
  return ranking.map(({ score }) => (most > largest ? score / most : score));
}

function extremes(scores: readonly number[]): [least: number, most: number] {
  return scores.reduce<[number, number]>(
    ([least, most], score) => [Math.min(least, score), Math.max(most, score)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
