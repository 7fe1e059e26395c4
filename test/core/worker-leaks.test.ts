import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { batchOf, Faults, startFaultyPool } from "./workers/faulty-pool.ts";

/** More show a slower leak: `SPARSE_ENCODER_STOPS=50 npx vitest run worker-leaks`. */
const rounds = Number(process.env.SPARSE_ENCODER_STOPS ?? 6);
/**
 * A heap grows by some 40 MB until its collector has settled, and areas of native memory that are kept for the next use by some
 * 120 MB over hundreds of stops; a leaked worker holds 10 to 20 MB each time.
 */
const megabytes = Math.max(70, 3 * rounds);
const script = fileURLToPath(new URL("workers/stopping.mjs", import.meta.url));
const countsThreads = existsSync("/proc/self/task");

interface Level {
  readonly threads: number;
  readonly files: number;
  readonly megabytes: number;
}

const ways = ["close", "close while it encodes", "stop", "destroy", "device", "failed load"];

describe.runIf(countsThreads)("counted in Linux's /proc", () => {
  it.each(["sparse", "dense"].flatMap((kind) => ways.map((way) => `${kind}: ${way}`)))(
    "no thread, file or memory stays after %s",
    async (way) => {
      const { stdout } = await promisify(execFile)(process.execPath, [script, way, String(rounds)]);
      const [first, last] = JSON.parse(stdout) as [Level, Level];
      expect({ threads: last.threads, files: last.files }).toEqual({
        threads: first.threads,
        files: first.files,
      });
      expect(last.megabytes - first.megabytes).toBeLessThan(megabytes);
    },
    60_000 + rounds * 10_000,
  );
});

describe.runIf(countsThreads)("a worker that dies while its pool stops, counted in Linux's /proc", () => {
  const faults = new Faults();
  afterAll(() => faults.remove());
  const threads = () => readdirSync("/proc/self/task").length;

  const fates = (["exit", "throw", "uncaught"] as const).flatMap((fault) =>
    ([1, 2] as const).flatMap((workers) =>
      (["close", "destroy"] as const).map((stop) => ({ fault, workers, stop })),
    ),
  );

  /** One stop in the middle of calls whose worker dies, and whose replacements may not start. */
  async function stopWhileWorkersDie({ fault, workers, stop }: (typeof fates)[number], replaced: boolean) {
    const pool = await startFaultyPool({ workers });
    faults.plan("run", fault, workers);
    if (!replaced) faults.planAlways("load", "exit");
    const calls = [3, 4, 5].map((text) => pool.run(() => batchOf(text)));
    const settled = Promise.allSettled(calls);
    await sleep(2);
    await pool[stop]();
    await settled;
    faults.clear();
  }

  it.each(fates)("leaves no thread ($fault, $workers workers, $stop)", async (fate) => {
    await stopWhileWorkersDie(fate, true);
    await sleep(200);
    const before = threads();
    for (const replaced of [true, false, true, false]) await stopWhileWorkersDie(fate, replaced);
    await sleep(200);
    expect(threads()).toBeLessThanOrEqual(before);
  });
});
