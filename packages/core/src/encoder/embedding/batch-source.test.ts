import { describe, expect, it } from "vitest";
import { BatchSource } from "./batch-source.ts";

const limits = { batchSize: 1024, tokens: 16_384 };

/** Batches of texts whose number of characters and tokens are the same, each taken when it is there. */
async function batchesOf(counts: readonly number[], tokenizing: number): Promise<(readonly number[])[]> {
  const source = new BatchSource(counts, {
    tokenize: async (texts) => texts.map((count) => ({ ids: new Int32Array(count), isCut: false })),
    lengthOf: (count) => count,
    chunkSize: undefined,
    lookahead: 6,
    tokenizing,
  });
  const batches: (readonly number[])[] = [];
  for (let unit = await source.next(limits); unit !== undefined; unit = await source.next(limits)) {
    batches.push(...unit.map(({ positions }) => positions));
  }
  return batches;
}

describe("the batches of a call", () => {
  it("are whole across the blocks in which texts are tokenized, but for the last one", async () => {
    // 120 texts of 136 tokens fill 16,384 tokens; a block has 256.
    const batches = await batchesOf(new Array<number>(4096).fill(136), 4);
    expect(batches.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 4096 }, (_, n) => n));
    const partial = batches.filter((positions) => positions.length < 120);
    expect(batches.every((positions) => positions.length <= 120)).toBe(true);
    // The first block is small, so that workers begin; nothing else is there to fill it.
    expect(partial.length).toBeLessThanOrEqual(4);
  });

  it("never have more tokens than the limit where a later block has longer texts", async () => {
    const counts = Array.from({ length: 3000 }, (_, number) => 1 + ((number * 7919) % 511));
    for (const positions of await batchesOf(counts, 4)) {
      const longest = positions.reduce((most, position) => Math.max(most, counts[position]!), 0);
      expect(longest * positions.length).toBeLessThanOrEqual(limits.tokens);
    }
  });
});
