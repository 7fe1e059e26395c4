import { setTimeout as sleep } from "node:timers/promises";
import { SparseMatrix } from "@sparse-encoder/core";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import {
  SparseEncoderError as SourceError,
  type SparseEncoderErrorCode,
} from "../../packages/core/src/errors.ts";
import type { WorkerPool } from "../../packages/core/src/runtime/index.ts";
import { expectVectors, toVector } from "../helpers/golden-data.ts";
import {
  batchOf,
  type Fault,
  Faults,
  golden,
  type Moment,
  rowOf,
  startFaultyPool,
} from "./workers/faulty-pool.ts";

const faults = new Faults();
afterAll(() => faults.remove());

let pool: WorkerPool;
afterEach(async () => {
  faults.clear();
  await pool?.close();
});

/** The row is right, or the error has a name: which of them. */
async function outcomeOf(
  text: number,
  call = pool.run(() => batchOf(text)),
): Promise<"right" | SparseEncoderErrorCode> {
  try {
    const row = toVector(rowOf(await call), 1500);
    expectVectors(SparseMatrix.fromRows([row]), [golden.encode[text]!]);
    return "right";
  } catch (error) {
    if (SourceError.is(error)) return error.code;
    throw error;
  }
}

const moments: Moment[] = ["before", "run", "after"];
const kinds: Fault[] = ["exit", "throw", "uncaught"];
const places = moments.flatMap((moment) => kinds.map((fault) => [moment, fault] as const));

describe("a failing worker", () => {
  it.each(places)("(%s, %s) is replaced, and another one gives the row", async (moment, fault) => {
    pool = await startFaultyPool();
    faults.plan(moment, fault);
    expect(await outcomeOf(3)).toBe("right");
    expect(faults.waiting).toBe(0);
    expect(await outcomeOf(4)).toBe("right");
  });

  it.each(places)(
    "(%s, %s) twice with one batch: WORKER_FAILED, and the pool goes on",
    async (moment, fault) => {
      pool = await startFaultyPool();
      faults.plan(moment, fault, 2);
      const failing = pool.run(() => batchOf(3));
      await expect(failing).rejects.toThrow(/A batch failed in two workers: /);
      await expect(failing).rejects.toMatchObject({ code: "WORKER_FAILED", cause: expect.any(Error) });
      expect(faults.waiting).toBe(0);
      expect(await outcomeOf(3)).toBe("right");
    },
  );

  it.each([...places, ["create", "throw"], ["create", "exit"], ["load", "exit"]] as const)(
    "(%s, %s) among many batches and two workers costs no row",
    async (moment, fault) => {
      pool = await startFaultyPool({ workers: 2 });
      faults.plan(moment, fault);
      const outcomes = await Promise.all(golden.texts.map((_, text) => outcomeOf(text)));
      expect(new Set(outcomes)).toEqual(new Set(["right"]));
      expect(faults.waiting).toBe(0);
    },
  );

  it("does not hold up close, which waits for the row", async () => {
    pool = await startFaultyPool();
    faults.plan("run", "exit");
    const call = outcomeOf(3);
    await pool.close();
    expect(await call).toBe("right");
  });

  it.each([1, 2])("does not hold up destroy with %i workers: right row or CLOSED", async (workers) => {
    pool = await startFaultyPool({ workers });
    faults.plan("run", "exit");
    const calls = [3, 4, 5].map((text) => outcomeOf(text));
    await sleep(2);
    await pool.destroy();
    for (const outcome of await Promise.all(calls)) expect(["right", "CLOSED"]).toContain(outcome);
    expect(await outcomeOf(3)).toBe("CLOSED");
  });
});

describe("starting", () => {
  it.each([
    ["load", "throw"],
    ["load", "exit"],
    ["open", "throw"],
    ["open", "exit"],
    ["open", "uncaught"],
  ] as const)("is refused if no worker can start (%s, %s)", async (moment, fault) => {
    faults.planAlways(moment, fault);
    const starting = startFaultyPool();
    await expect(starting).rejects.toMatchObject({ code: "WORKER_FAILED", cause: expect.anything() });
    await expect(starting).rejects.toThrow(/worker could (not open the model on cpu|not be started)/);
    await expect(startFaultyPool({ workers: 2, eager: true })).rejects.toMatchObject({
      code: "WORKER_FAILED",
    });
  });

  it("a second worker that cannot start leaves the first one at work", async () => {
    pool = await startFaultyPool({ workers: 2 });
    faults.planAlways("load", "throw");
    const outcomes = await Promise.all(golden.texts.map((_, text) => outcomeOf(text)));
    // A batch that was twice given to a worker in the making fails with its name; the others are right.
    expect(outcomes).toContain("right");
    for (const outcome of outcomes) expect(["right", "WORKER_FAILED"]).toContain(outcome);
    expect(await outcomeOf(1)).toBe("right");
  });

  it("a pool whose workers ended and cannot be started again says so, and does not hang", async () => {
    pool = await startFaultyPool();
    faults.planAlways("load", "exit");
    faults.plan("run", "exit");
    const outcomes = await Promise.all([1, 2, 3].map((text) => outcomeOf(text)));
    expect(outcomes).toContain("WORKER_FAILED");
    for (const outcome of outcomes) expect(["right", "WORKER_FAILED"]).toContain(outcome);
  });
});
