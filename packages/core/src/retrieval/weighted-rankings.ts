import { invalidArgument, received } from "../errors.ts";
import type { Fusion, FusionOptions, ScoredId, Weights } from "./rankings.ts";

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

export function weightedSum(call: string, options: FusionOptions, scale: Scale): Fusion {
  // Smallest first: floating-point sums depend on the order, and the order of the arms must not matter.
  return combined(call, options, scale, (parts) =>
    parts.sort((a, b) => a - b).reduce((sum, part) => sum + part, 0),
  );
}

export function combined(
  call: string,
  options: FusionOptions,
  scale: Scale,
  join: (parts: number[]) => number,
): Fusion {
  const defaults = checkWeights(call, options.weights);
  return (rankings, weights) => {
    checkWeights(call, weights);
    const parts = new Map<string, number[]>();
    for (const [arm, hits] of Object.entries(rankings)) {
      const weight = weightOf(arm, weights) ?? weightOf(arm, defaults) ?? 1;
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

/** Largest score that is used as it is: beyond it, the square of a score or a distance may be infinite. */
const largest = 1e150;

/** The scores, all divided by the largest where they would leave the range of numbers. */
export function inRange(ranking: readonly ScoredId[]): number[] {
  const most = ranking.reduce((found, { score }) => Math.max(found, Math.abs(score)), 0);
  return ranking.map(({ score }) => (most > largest ? score / most : score));
}

export function extremes(scores: readonly number[]): [least: number, most: number] {
  return scores.reduce<[number, number]>(
    ([least, most], score) => [Math.min(least, score), Math.max(most, score)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
