import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { leastWorkers, parseDevice, WorkerPool } from "../../packages/core/src/runtime/index.ts";

const file = fileURLToPath(new URL("workers/slow-device.mjs", import.meta.url));
const batchCount = 40;

/** Runs batches on the fake card with so many workers: the share of them behind which the next one waited already. */
async function busyShare(workers: number): Promise<number> {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const model = {
    bytes: new Uint8Array(shared.buffer),
    shortBytes: undefined,
    givesDims: false,
    dimension: 1,
    exportFile: undefined,
    inputs: [],
    weightsFolder: ".",
    prepack: false,
    sparse: true,
  };
  const pool = await WorkerPool.start(model, { file, workers, eager: true });
  const batch = (number: number) => () => ({
    ids: new Int32Array(1),
    lengths: Int32Array.of(number),
    maxActiveDims: 0,
    skippedTokens: 0,
    alone: false,
  });
  const rows = await Promise.all(Array.from({ length: batchCount }, (_, number) => pool.run(batch(number))));
  await pool.close();
  expect(rows.map((row) => ("values" in row ? row.values[0] : undefined))).toEqual([
    ...Array(batchCount).keys(),
  ]);
  const [, , done, followed] = shared;
  expect(done).toBe(batchCount);
  // Nothing follows the last one.
  return followed! / (batchCount - 1);
}

describe("a graphics processor whose batches need a third of its time on the host besides", () => {
  // A machine under load may hold up all threads for as long as a batch takes.
  it("never waits with the workers that it gets by default", { retry: 2 }, async () => {
    expect(await busyShare(leastWorkers(parseDevice("cuda")))).toBeGreaterThanOrEqual(0.95);
  });

  it("waits with one worker", async () => {
    expect(await busyShare(1)).toBe(0);
  });
});
