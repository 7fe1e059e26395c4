import { performance } from "node:perf_hooks";

/** Times of two ways of one job, taken in turn, and how they compare. */
export interface PairedTimes {
  /** One a round, in seconds. */
  readonly core: number[];
  readonly adapter: number[];
  /** Median over the rounds of what the adapter takes longer in a round, in percent of core's time in it. */
  readonly overhead: number;
}

/**
 * Times two ways of the same job in turn, in one process, after a first round that does not count. A machine that gets
 * slower or faster is so to both of a round; which of them comes first alternates.
 */
export async function inPairs(
  rounds: number,
  core: () => Promise<unknown>,
  adapter: () => Promise<unknown>,
): Promise<PairedTimes> {
  const times = { core: [] as number[], adapter: [] as number[] };
  const works = [
    ["core", core],
    ["adapter", adapter],
  ] as const;
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of round % 2 === 0 ? works : works.toReversed()) {
      const started = performance.now();
      await work();
      if (round > 0) times[name].push((performance.now() - started) / 1000);
    }
  }
  const ratios = times.core.map((seconds, round) => times.adapter[round]! / seconds);
  return { ...times, overhead: (median(ratios) - 1) * 100 };
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** The figures of a report: the median times, the overhead and its target, and all rounds. */
export function toFigures(
  { core, adapter, overhead }: PairedTimes,
  names: readonly [string, string],
  target: number,
) {
  const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(3)));
  return {
    rounds: core.length,
    [`${names[0]}, s`]: Number(median(core).toFixed(3)),
    [`${names[1]}, s`]: Number(median(adapter).toFixed(3)),
    "longer by, median of the rounds, %": Number(overhead.toFixed(2)),
    "wanted at most, %": target,
    "each round, s": { [names[0]]: rounded(core), [names[1]]: rounded(adapter) },
  };
}

/** Prints rounds and figures as tables. */
export function printFigures(figures: ReturnType<typeof toFigures>): void {
  const { "each round, s": rounds, ...rest } = figures;
  console.table(rounds);
  console.table(rest);
}
