import { expect } from "vitest";

/** What a ranking is made of. */
export interface Ranked {
  readonly id: string;
  readonly score: number;
}

/** The same documents in the same order, except documents whose scores float32 sums may swap. */
export function expectSameRanking(actual: readonly Ranked[], wanted: readonly Ranked[]): void {
  expect(actual.length).toBe(wanted.length);
  for (const [rank, { score }] of wanted.entries()) expect(actual[rank]!.score).toBeCloseTo(score, 4);
  const last = wanted.at(-1)?.score ?? 0;
  for (const { id, score } of actual) {
    const found = wanted.find((hit) => hit.id === id);
    if (found === undefined) expect(score).toBeCloseTo(last, 4);
    else expect(score).toBeCloseTo(found.score, 4);
  }
}
