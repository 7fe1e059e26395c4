import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planBatches } from "./batch-plan.ts";

describe("planBatches", () => {
  it("puts neighbours of similar length together, longest first, equal lengths in their order", () => {
    const plan = planBatches([3, 9, 3, 10, 4, 3], { batchSize: 2, tokens: 1000 });
    expect(plan).toEqual([
      [3, 1],
      [4, 0],
      [2, 5],
    ]);
  });

  it("counts padding against the budget", () => {
    // 2 x 5 padded tokens fit into 10; a third text of one token would make 15.
    expect(planBatches([5, 1, 1], { batchSize: 10, tokens: 10 })).toEqual([[0, 1], [2]]);
    expect(planBatches([5, 1, 1], { batchSize: 10, tokens: 15 })).toEqual([[0, 1, 2]]);
    expect(planBatches([5, 1, 1], { batchSize: 10, tokens: 14 })).toEqual([[0, 1], [2]]);
  });

  it("makes a batch of a text that is longer than the budget", () => {
    expect(planBatches([20, 2, 2], { batchSize: 10, tokens: 10 })).toEqual([[0], [1, 2]]);
  });

  it("has no batches without texts", () => {
    expect(planBatches([], { batchSize: 1, tokens: 1 })).toEqual([]);
  });

  it.each([0, 6, 7, 8, 15])("cuts %i texts at the batch size of 7", (count) => {
    const plan = planBatches(new Array(count).fill(4), { batchSize: 7, tokens: 1000 });
    expect(plan.map((batch) => batch.length)).toEqual(
      count === 0 ? [] : [...new Array(Math.ceil(count / 7) - 1).fill(7), count % 7 || 7],
    );
    expect(plan.flat()).toEqual(Array.from({ length: count }, (_, position) => position));
  });

  it("takes every text once, within both limits, and fills each batch as far as they allow", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 200 }),
        (counts, batchSize, tokens) => {
          const plan = planBatches(counts, { batchSize, tokens });
          expect(plan.flat().sort((a, b) => a - b)).toEqual(counts.map((_, position) => position));
          for (const [number, batch] of plan.entries()) {
            const width = Math.max(1, ...batch.map((position) => counts[position]!));
            expect(batch.length).toBeGreaterThan(0);
            expect(batch.length).toBeLessThanOrEqual(batchSize);
            if (batch.length > 1) expect(batch.length * width).toBeLessThanOrEqual(tokens);
            const full = batch.length === batchSize || (batch.length + 1) * width > tokens;
            if (number < plan.length - 1) expect(full).toBe(true);
          }
        },
      ),
    );
  });
});
