/** What a paired randomisation test found. */
export interface RandomisationResult {
  /** Mean of the second less mean of the first. */
  readonly difference: number;
  /** Share of the sign changes whose difference is at least as far from 0: how likely chance gives it. */
  readonly pValue: number;
  readonly pairs: number;
  /** True if all sign changes were tried; else a sample of them. */
  readonly isExact: boolean;
}

/** Most pairs whose sign changes are all tried: 2^16 are done at once. */
const mostExactPairs = 16;

/** Sign changes that are tried where there are too many. */
const sampledChanges = 100_000;

/** Sums that differ by less are equal but for rounding. */
const rounding = 1e-12;

/**
 * Two-sided paired randomisation test: if two systems were alike, the sign of each query's difference would be chance.
 * Source: Smucker, Allan, Carterette: A Comparison of Statistical Significance Tests for Information Retrieval Evaluation
 * (CIKM 2007).
 *
 * @param first values of the first system, one per query
 * @param second values of the second system, in the same order
 * @param seed of the sample
 */
export function randomisationTest(
  first: readonly number[],
  second: readonly number[],
  seed = 1,
): RandomisationResult {
  const differences = first.map((value, pair) => second[pair]! - value);
  const pairs = differences.length;
  const sum = differences.reduce((total, value) => total + value, 0);
  const isExact = pairs <= mostExactPairs;
  const extreme = Math.abs(sum) - rounding;
  let reached = 0;
  const changes = isExact ? 2 ** pairs : sampledChanges;
  const random = generator(seed);
  for (let change = 0; change < changes; change++) {
    let total = 0;
    let bits = 0;
    for (let pair = 0; pair < pairs; pair++) {
      const value = differences[pair]!;
      if (isExact) bits = change >>> pair;
      else if (pair % 31 === 0) bits = random();
      else bits >>>= 1;
      total += bits & 1 ? value : -value;
    }
    if (Math.abs(total) >= extreme) reached++;
  }
  // A sample counts the observed signs too, so that chance is never said to be impossible.
  const pValue = isExact ? reached / changes : (reached + 1) / (changes + 1);
  return { difference: pairs === 0 ? 0 : sum / pairs, pValue, pairs, isExact };
}

/** Numbers of 31 random bits: the generator mulberry32. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 1;
  };
}
