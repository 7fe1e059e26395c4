import { setTimeout as sleep } from "node:timers/promises";
import { SparseEncoder, SparseEncoderError, SparseMatrix } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectVectors, goldenModelFolder, toVector } from "../helpers/golden-data.ts";
import { batchOf, Faults, golden, type Moment, rowOf, startFaultyPool } from "./workers/faulty-pool.ts";
import { seeded } from "./workers/seeded.ts";

const rounds = 50;
const quick = golden.token_ids.flatMap((ids, position) => (ids.length < 80 ? [position] : []));
const positions = Array.from({ length: 3 * quick.length }, (_, n) => quick[(7 * n + 3) % quick.length]!);
const texts = positions.map((position) => golden.texts[position]!);
const expected = positions.map((position) => golden.encode[position]!);

/** "right" for right rows, or the code of the error; wrong rows and errors without a code fail the test. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "right";
  } catch (error) {
    if (SparseEncoderError.is(error)) return error.code;
    throw error;
  }
}

/** How often each outcome came; all must be among `allowed`. */
function expectOutcomes(outcomes: readonly string[], allowed: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  expect(allowed).toEqual(expect.arrayContaining([...counts.keys()]));
  return counts;
}

describe.each(["exit", "throw", "uncaught"] as const)(
  "a worker that fails by %s at a random moment",
  (fault) => {
    it(`costs no row in ${rounds} rounds`, async () => {
      const random = seeded(fault.length);
      const faults = new Faults();
      const pool = await startFaultyPool({ workers: 2 });
      const outcomes: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const calls = quick.map((position) =>
          outcomeOf(
            pool
              .run(() => batchOf(position))
              .then((rows) => {
                const row = toVector(rowOf(rows), 1500);
                expectVectors(SparseMatrix.fromRows([row]), [golden.encode[position]!]);
              }),
          ),
        );
        await sleep(random() * 10);
        const moments: Moment[] = ["before", "run", "after"];
        faults.plan(moments[Math.floor(random() * moments.length)]!, fault);
        outcomes.push(...(await Promise.all(calls)));
      }
      await pool.close();
      faults.remove();
      // A batch may meet the fault of this round and one that was left from the round before.
      const counts = expectOutcomes(outcomes, ["right", "WORKER_FAILED"]);
      expect(counts.get("right")).toBeGreaterThan(0.98 * outcomes.length);
    }, 120_000);
  },
);

describe("at random moments of three calls", () => {
  const folder = goldenModelFolder("bert-max-relu");
  let encoder: SparseEncoder;
  beforeAll(async () => {
    encoder = await SparseEncoder.load(folder, { workers: 2 });
  });
  afterAll(() => encoder.close());

  const rightRows = async (rows: Promise<SparseMatrix>) => expectVectors(await rows, expected, texts);
  const streamed = async (stream: AsyncIterable<SparseMatrix extends Iterable<infer Row> ? Row : never>) => {
    const rows = [];
    for await (const row of stream) rows.push(row);
    return SparseMatrix.fromRows(rows, 1500);
  };

  it(`stopPool lets all finish, ${rounds} times`, async () => {
    const random = seeded(1);
    const outcomes: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const pool = await encoder.startPool(round % 2 === 0 ? ["cpu"] : ["cpu", "cpu"]);
      const calls = [{}, { chunkSize: 5 }, { batchSize: 2 }].map((options) =>
        outcomeOf(rightRows(encoder.encode(texts, { pool, ...options }))),
      );
      await sleep(random() * 30);
      await encoder.stopPool(pool);
      outcomes.push(...(await Promise.all(calls)));
    }
    expect(expectOutcomes(outcomes, ["right"]).get("right")).toBe(3 * rounds);
  }, 120_000);

  it(`destroy gives right rows or CLOSED, ${rounds} times`, async () => {
    const random = seeded(2);
    const outcomes: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const other = await SparseEncoder.load(folder, { workers: 1 + (round % 2) });
      const calls = [
        other.encode(texts),
        other.encode(texts, round % 5 === 0 ? { device: "cpu" } : { chunkSize: 5 }),
        streamed(other.encodeStream(texts)),
      ].map((call) => outcomeOf(rightRows(call)));
      await sleep(random() * 30);
      await other.destroy();
      outcomes.push(...(await Promise.all(calls)));
    }
    expect(expectOutcomes(outcomes, ["right", "CLOSED"]).get("CLOSED")).toBeGreaterThan(0);
  }, 120_000);

  it(`an abort ends its own call only, ${rounds} times`, async () => {
    const random = seeded(3);
    const outcomes: string[] = [];
    await using pool = await encoder.startPool(["cpu", "cpu"]);
    for (let round = 0; round < rounds; round++) {
      const abort = new AbortController();
      const options = { signal: abort.signal, ...(round % 2 === 0 && { pool, chunkSize: 5 }) };
      const aborted = [
        encoder.encode(texts, options),
        encoder.encode(texts, { ...options, batchSize: 1 }),
        streamed(encoder.encodeStream(texts, options)),
      ].map((call) => outcomeOf(rightRows(call)));
      const other = rightRows(encoder.encode(texts, round % 2 === 0 ? { pool } : {}));
      await sleep(random() * 30);
      abort.abort();
      outcomes.push(...(await Promise.all(aborted)));
      await other;
    }
    expect(expectOutcomes(outcomes, ["right", "ABORTED"]).get("ABORTED")).toBeGreaterThan(0);
  }, 120_000);
});
