import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { SparseEncoder, type SparseMatrix, type SparseVector } from "@sparse-encoder/core";
import type { WorkerPool } from "../../packages/core/src/runtime/index.ts";
import {
  batchOf,
  Faults,
  golden,
  type Moment,
  rowOf,
  startFaultyPool,
  type Fault as WorkerFault,
} from "../core/workers/faulty-pool.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { type Attempt, checkError, silentAcceptance } from "./attempts.ts";
import type { Random } from "./mutations.ts";

/** Golden texts that take no time, by their places. */
const quick = golden.token_ids.flatMap((ids, place) => (ids.length < 80 ? [place] : []));

/** How far a weight may be from the golden one. */
const tolerance = 1e-4;

const moments: readonly Moment[] = ["load", "open", "create", "before", "run", "after"];
const workerFaults: readonly WorkerFault[] = ["exit", "throw", "uncaught"];

/** Threads that one attempt may leave for a moment: threads of the runtime's own pools come and go. */
const threadSlack = 2;

let faults: Faults | undefined;
let threadsAtFirst: number | undefined;

function checkRow(
  row: { readonly indices: readonly number[]; readonly values: readonly number[] },
  place: number,
): void {
  const expected = golden.encode[place]!;
  const isRight =
    row.indices.length === expected.indices.length &&
    row.indices.every((index, at) => index === expected.indices[at]) &&
    row.values.every((value, at) => Math.abs(value - expected.values[at]!) <= tolerance);
  if (!isRight) throw silentAcceptance(`text ${place} has a wrong vector`);
}

/** Waits for calls: each must have a right row, or an error of one of these codes. */
async function settle(calls: readonly Promise<unknown>[], allowed: readonly string[]): Promise<void> {
  for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
    if (status !== "rejected") continue;
    checkError(reason, "a call");
    if (!allowed.includes(reason.code))
      throw silentAcceptance(`${reason.code} in place of ${allowed.join(", ")}: ${reason.message}`);
  }
}

/** @throws Fault if threads stay behind */
async function checkThreads(): Promise<void> {
  const count = () => readdirSync("/proc/self/task").length;
  threadsAtFirst ??= count();
  for (let wait = 0; wait < 40 && count() > threadsAtFirst + threadSlack; wait++) await sleep(50);
  if (count() > threadsAtFirst + threadSlack)
    throw silentAcceptance(`${count()} threads are left of ${threadsAtFirst} before`);
}

async function stop(pool: WorkerPool, random: Random): Promise<void> {
  await Promise.all([
    random.oneIn(2) ? pool.close() : pool.destroy(),
    random.oneIn(3) ? pool.destroy() : undefined,
  ]);
}

/** A pool whose workers die, throw and fail to start, while calls come and go. */
async function losePool(random: Random): Promise<void> {
  faults ??= new Faults();
  faults.clear();
  const starts = random.oneIn(4);
  const plan = () => faults!.plan(random.pick(moments), random.pick(workerFaults), 1 + random.below(2));
  if (starts) plan();
  const pool = await startFaultyPool({ workers: 1 + random.below(3), eager: random.oneIn(3) });
  try {
    for (let fault = random.below(4); fault > 0; fault--) plan();
    if (random.oneIn(8)) faults.planAlways("load", "exit");
    const calls = Array.from({ length: 1 + random.below(12) }, async () => {
      const place = random.pick(quick);
      const isWanted = random.oneIn(5) ? () => false : undefined;
      checkRow(rowOf(await pool.run(() => batchOf(place), isWanted)), place);
    });
    const settled = settle(calls, ["WORKER_FAILED", "ABORTED", "CLOSED"]);
    await sleep(random.below(30));
    if (random.oneIn(2)) await stop(pool, random);
    await settled;
  } finally {
    faults.clear();
    await pool.destroy();
  }
}

type Rows = SparseMatrix | AsyncIterable<SparseVector>;

async function checkRows(rows: Rows, places: readonly number[]): Promise<void> {
  let at = 0;
  for await (const row of rows)
    checkRow({ indices: [...row.indices], values: [...row.values] }, places[at++]!);
  if (at !== places.length) throw silentAcceptance(`${at} rows for ${places.length} texts`);
}

/** Calls of an encoder that are aborted, run out of time, or meet its end. */
async function interruptEncoder(random: Random): Promise<void> {
  const encoder = await SparseEncoder.load(goldenModelFolder("bert-max-relu"), {
    workers: 1 + random.below(2),
  });
  try {
    const calls = Array.from({ length: 1 + random.below(6) }, () => {
      const places = Array.from({ length: 1 + random.below(20) }, () => random.pick(quick));
      const texts = places.map((place) => golden.texts[place]!);
      const signal = random.pick([undefined, AbortSignal.timeout(random.below(60)), AbortSignal.abort()]);
      const options = { signal, batchSize: 1 + random.below(8) };
      if (random.oneIn(3)) return checkRows(encoder.encodeStream(texts, options), places);
      return encoder
        .encode(texts, random.oneIn(4) ? { ...options, device: "cpu" as const } : options)
        .then((rows) => checkRows(rows, places));
    });
    const settled = settle(calls, ["ABORTED", "CLOSED"]);
    await sleep(random.below(60));
    if (random.oneIn(2)) await (random.oneIn(2) ? encoder.close() : encoder.destroy());
    await settled;
  } finally {
    await encoder.destroy();
  }
}

/** Threads that run a model. */
export const workerTargets: Readonly<Record<string, Attempt>> = {
  workerPool: async (random) => {
    await losePool(random);
    await checkThreads();
  },
  encoder: async (random) => {
    await interruptEncoder(random);
    await checkThreads();
  },
};
