import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { DenseEncoder, SparseEncoder, SparseEncoderError } from "@sparse-encoder/core";
import { batchOf, Faults, golden, startFaultyPool } from "../core/workers/faulty-pool.ts";
import { seeded } from "../core/workers/seeded.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";

// Mixed load in one process: `pnpm soak --minutes 10`. Models are loaded and closed, pools started and stopped, streams read and
// left, calls aborted, and workers killed, several at once. After each tenth of the time all of it rests, and threads, file
// descriptors and resident memory are counted; Linux only. Exits with 1 if one of them is more than 5 % above its level after the
// first tenth.

/** Rounds of load under way at once. */
const atOnce = 3;

/** Parts of the run, with a count after each. */
const tenths = 10;

/** What a number may grow by from the first tenth to the last. */
const allowedGrowth = 0.05;

/** Milliseconds that everything rests before it is counted: threads end, and the collector runs. */
const rest = 1500;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });

const random = seeded(1);
const below = (end: number) => Math.floor(random() * end);
const quick = golden.texts.filter((_, place) => golden.token_ids[place]!.length < 80);
const some = (count: number) => Array.from({ length: count }, () => quick[below(quick.length)]!);
const folder = goldenModelFolder("bert-max-relu");
const faults = new Faults();
const counts: Record<string, number> = {};

/** Waits for a call; errors of the library are part of the load. */
async function settled(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!SparseEncoderError.is(error)) throw error;
  });
}

async function readSome(stream: AsyncIterable<unknown>, most: number): Promise<void> {
  let rows = 0;
  for await (const _ of stream) if (++rows >= most) break;
}

/** Kinds of load; each gets an encoder that stays open. */
const loads: Readonly<Record<string, (encoder: SparseEncoder) => Promise<void>>> = {
  "sparse models loaded": async () => {
    const other = await SparseEncoder.load(folder, { workers: 1 + below(2) });
    const call = settled(other.encode(some(8)));
    await Promise.all([call, below(2) === 0 ? other.close() : call.then(() => other.close())]);
  },
  "dense models loaded": async () => {
    await using other = await DenseEncoder.load(goldenModelFolder("dense-cls"), { workers: 1 });
    await other.encode(some(8));
  },
  "pools started": async (encoder) => {
    const pool = await encoder.startPool(below(2) === 0 ? ["cpu"] : ["cpu", "cpu"]);
    const call = settled(encoder.encode(some(16), { pool, batchSize: 4 }));
    await (below(2) === 0 ? pool.destroy() : pool.stop());
    await call;
  },
  "streams read": (encoder) => readSome(encoder.encodeStream(some(200)), below(300)),
  "calls aborted": async (encoder) => {
    const abort = new AbortController();
    const calls = Array.from({ length: 20 }, () =>
      settled(encoder.encode(some(20), { signal: abort.signal, batchSize: 4 })),
    );
    await sleep(below(20));
    abort.abort();
    await Promise.all(calls);
  },
  "queries encoded": async (encoder) => {
    for (const text of some(50)) await encoder.encodeQuery(text);
  },
  "workers killed": async () => {
    const pool = await startFaultyPool({ workers: 2 });
    const kinds = ["exit", "throw", "uncaught"] as const;
    faults.plan("run", kinds[below(3)]!, 1 + below(2));
    await Promise.all(Array.from({ length: 6 }, () => settled(pool.run(() => batchOf(3)))));
    await (below(2) === 0 ? pool.close() : pool.destroy());
  },
};

interface Level {
  readonly threads: number;
  readonly descriptors: number;
  readonly megabytes: number;
}

async function restAndCount(): Promise<Level> {
  await sleep(rest);
  globalThis.gc?.();
  await sleep(rest);
  return {
    threads: readdirSync("/proc/self/task").length,
    descriptors: readdirSync("/proc/self/fd").length,
    megabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}

async function loadUntil(end: number, encoder: SparseEncoder): Promise<void> {
  const names = Object.keys(loads);
  while (performance.now() < end) {
    const name = names[below(names.length)]!;
    await loads[name]!(encoder);
    counts[name] = (counts[name] ?? 0) + 1;
  }
}

async function soak(minutes: number): Promise<void> {
  const encoder = await SparseEncoder.load(folder, { workers: 2 });
  const levels: Level[] = [];
  for (let tenth = 1; tenth <= tenths; tenth++) {
    const end = performance.now() + (minutes * 60_000) / tenths;
    await Promise.all(Array.from({ length: atOnce }, () => loadUntil(end, encoder)));
    faults.clear();
    levels.push(await restAndCount());
    // The heap tells a leak of objects from native memory that is kept for the next use.
    console.log(tenth, levels.at(-1), `heap ${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MB`);
  }
  await encoder.close();
  faults.remove();
  console.log(counts);
  const [first, last] = [levels[0]!, levels.at(-1)!];
  const grown = (Object.keys(first) as (keyof Level)[]).filter(
    (name) => last[name] > first[name] * (1 + allowedGrowth),
  );
  for (const name of grown) console.log(`${name} grew from ${first[name]} to ${last[name]}`);
  process.exitCode = grown.length === 0 ? 0 : 1;
}

await soak(Number(values.minutes));
