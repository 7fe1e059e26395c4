import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  type EncodedRows,
  leastWorkers,
  parseDevice,
  WorkerPool,
  type WorkerPoolOptions,
} from "../../packages/core/src/runtime/index.ts";

const batchCount = 40;

/** Starts fakes of workers in that file, which share this memory with the test. */
function startFakes(name: string, shared: Int32Array<SharedArrayBuffer>, options: WorkerPoolOptions) {
  const file = fileURLToPath(new URL(`workers/${name}`, import.meta.url));
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
  return WorkerPool.start(model, { file, ...options });
}

/** Batches of one text each, whose lengths count from 0. */
function runBatches(pool: WorkerPool): Promise<EncodedRows[]> {
  const batch = (number: number) => () => ({
    ids: new Int32Array(1),
    lengths: Int32Array.of(number),
    maxActiveDims: 0,
    skippedTokens: 0,
    alone: false,
  });
  return Promise.all(Array.from({ length: batchCount }, (_, number) => pool.run(batch(number))));
}

/** Runs batches on the fake card with a number of workers: the share of them behind which the next one waited already. */
async function busyShare(workers: number): Promise<number> {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const pool = await startFakes("slow-device.mjs", shared, { workers, eager: true });
  const rows = await runBatches(pool);
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

describe("a card with room for fewer workers than it gets", () => {
  it.each([
    [1, false],
    [2, false],
    [1, true],
    [2, true],
    [3, true],
  ])("does all batches with the %i that have room (all started at once: %s)", async (room, eager) => {
    const shared = new Int32Array(new SharedArrayBuffer(16));
    shared[0] = room;
    const pool = await startFakes("small-card.mjs", shared, { workers: 3, eager });
    const rows = await runBatches(pool);
    await pool.close();
    const dense = rows.map((row) => ("dense" in row ? row.dense : new Float32Array(2)));
    expect(dense.map(([number]) => number)).toEqual([...Array(batchCount).keys()]);
    expect(new Set(dense.map(([, thread]) => thread)).size).toBe(room);
    expect([shared[1], shared[2]]).toEqual([3 - room, batchCount]);
  });

  it("fails with the words of the runtime if there is room for none", async () => {
    const shared = new Int32Array(new SharedArrayBuffer(16));
    await expect(startFakes("small-card.mjs", shared, { workers: 3, eager: true })).rejects.toThrow(
      "could not open the model on cpu: CUDA failure 2: out of memory",
    );
  });
});
