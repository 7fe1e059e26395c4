import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  DenseEncoder,
  InvertedIndex,
  listDevices,
  SparseEncoder,
  type SparseMatrix,
} from "@sparse-encoder/core";
import { ndcg } from "@sparse-encoder/core/evaluation";
import { randomBert } from "../random-model.ts";
import type { Collection } from "./data.ts";

/** What one process of the bench does; a process of its own each, so that one that fails or hangs costs no other. */
export interface Step {
  readonly name: string;
  readonly kind: keyof typeof kinds;
  /** `embedded`, `small` or `base`. */
  readonly model?: string | undefined;
  readonly dtype?: "fp32" | "tf32" | "fp16" | undefined;
  readonly device?: string | undefined;
  readonly workers?: number | undefined;
  /** Texts to encode. */
  readonly texts?: number | undefined;
  readonly batchSize?: number | undefined;
  /** Environment of the process. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly seconds?: number | undefined;
}

export function runStep(step: Step, data: string): Promise<unknown> {
  return kinds[step.kind](step, data);
}

const kinds = { devices, golden, speed, difference, quality, pool, failure };

/** Times that the texts are encoded; the figure is the median. */
const rounds = 5;

const query = "heat transfer to a blunt body in supersonic flow";

function modelOf(name: string | undefined): string | undefined {
  return name === undefined || name === "embedded" ? undefined : randomBert(name);
}

function textsOf(data: string, count: number): string[] {
  const texts = JSON.parse(readFileSync(path.join(data, "texts.json"), "utf8")) as string[];
  return texts.slice(0, count);
}

function load({ model, dtype = "fp32", device = "cuda", workers }: Step): Promise<SparseEncoder> {
  return SparseEncoder.load(modelOf(model), { dtype, device, ...(workers !== undefined && { workers }) });
}

async function devices(): Promise<unknown> {
  const started = performance.now();
  const found = await listDevices();
  return { found, milliseconds: Math.round(performance.now() - started) };
}

/** Texts per second through `encode`, and the wait for a load, a first vector and one query. */
async function speed(step: Step, data: string): Promise<unknown> {
  const texts = textsOf(data, step.texts ?? 8192);
  // Weights of another format are made at the first load.
  if (step.dtype === "fp16") await (await load(step)).close();
  let started = performance.now();
  await using encoder = await load(step);
  const loading = performance.now() - started;
  started = performance.now();
  await encoder.encode(query);
  const first = performance.now() - started;
  const options = step.batchSize === undefined ? {} : { batchSize: step.batchSize };
  // All workers open the model with the first batches that they get.
  await encoder.encode(texts.slice(0, 4096), options);
  const rates: number[] = [];
  const used = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  const begun = performance.now();
  let active = 0;
  for (let round = 0; round < rounds; round++) {
    started = performance.now();
    const rows = await encoder.encode(texts, options);
    rates.push((texts.length * 1000) / (performance.now() - started));
    active = rows.indices.length / rows.length;
  }
  const elapsed = performance.now() - begun;
  const { user, system } = process.cpuUsage(used);
  const busy = performance.eventLoopUtilization(loop).utilization;
  const waits: number[] = [];
  for (let count = 0; count < 200; count++) {
    started = performance.now();
    await encoder.encodeQuery(query);
    waits.push(performance.now() - started);
  }
  waits.sort((a, b) => a - b);
  const { computation, workers, device } = encoder.describe() as ReturnType<SparseEncoder["describe"]>;
  return {
    device,
    computation,
    workers,
    "texts/s": Math.round(rates.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!),
    "texts/s of each round": rates.map(Math.round),
    "query, ms": { median: rounded(waits[100]!), p95: rounded(waits[190]!) },
    "load, ms": Math.round(loading),
    "first vector after it, ms": Math.round(first),
    "active dims": Math.round(active),
    "cores busy": rounded((user + system) / 1000 / elapsed),
    "event loop busy": rounded(busy),
  };
}

/** The vectors of the golden models against what sentence-transformers computed. */
async function golden({ device = "cuda", dtype = "fp32" }: Step, data: string): Promise<unknown> {
  const results: Record<string, string> = {};
  for (const file of readdirSync(path.join(data, "golden")).toSorted()) {
    const name = file.replace(".json", "");
    const folder = name === "splade-tiny" ? undefined : path.join(data, "models", name);
    if (!file.endsWith(".json")) continue;
    if (folder !== undefined && !readdirSync(path.join(data, "models")).includes(name)) continue;
    try {
      const known = JSON.parse(readFileSync(path.join(data, "golden", file), "utf8")) as Golden;
      results[name] = isSparse(known)
        ? await worstSparse(folder, known, device, dtype)
        : await worstDense(folder!, known, device, dtype);
    } catch (error) {
      results[name] = `FAILED ${(error as Error).message.slice(0, 300)}`;
    }
  }
  const passed = Object.values(results).filter((result) => result.startsWith("pass")).length;
  return { passed, of: Object.keys(results).length, results };
}

interface Golden {
  readonly texts: string[];
  readonly encode: readonly SparseGolden[] | readonly number[][];
  readonly encode_float32?: readonly SparseGolden[];
}

interface SparseGolden {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

function isSparse(golden: Golden): golden is Golden & { encode: readonly SparseGolden[] } {
  return !Array.isArray(golden.encode[0]);
}

/** The tolerance of the tests: 5e-5 + 1e-5 |b|. */
async function worstSparse(
  folder: string | undefined,
  golden: Golden & { encode: readonly SparseGolden[] },
  device: string,
  dtype: NonNullable<Step["dtype"]>,
): Promise<string> {
  await using encoder = await SparseEncoder.load(folder, { device, dtype });
  const rows = await encoder.encode(golden.texts);
  let [worst, excess] = [0, 0];
  (golden.encode_float32 ?? golden.encode).forEach(({ indices, values }, row) => {
    const got = rows.row(row).toMap();
    const wanted = new Map(indices.map((index, position) => [index, values[position]!]));
    for (const index of new Set([...got.keys(), ...wanted.keys()])) {
      const b = wanted.get(index) ?? 0;
      const difference = Math.abs((got.get(index) ?? 0) - b);
      worst = Math.max(worst, difference);
      excess = Math.max(excess, difference / (5e-5 + 1e-5 * Math.abs(b)));
    }
  });
  return `${excess <= 1 ? "pass" : "DIFFERS"} ${worst.toExponential(1)}`;
}

async function worstDense(
  folder: string,
  golden: Golden,
  device: string,
  dtype: NonNullable<Step["dtype"]>,
): Promise<string> {
  await using encoder = await DenseEncoder.load(folder, { device, dtype });
  const rows = await encoder.encode(golden.texts);
  let worst = 0;
  (golden.encode as readonly number[][]).forEach((vector, row) => {
    const got = rows.row(row);
    vector.forEach((value, index) => {
      worst = Math.max(worst, Math.abs(got[index]! - value));
    });
  });
  return `${worst <= 1e-5 ? "pass" : "DIFFERS"} ${worst.toExponential(1)}`;
}

/** Rows of a device beside the rows of the CPU in float32. */
async function difference(step: Step, data: string): Promise<unknown> {
  // Lengths from one token to the longest that the model takes.
  const texts = textsOf(data, 64).map((text, number) =>
    text
      .split(" ")
      .slice(0, 1 + number * 2)
      .join(" "),
  );
  texts.push(textsOf(data, 8).join(" "), "");
  await using encoder = await load(step);
  const got = await encoder.encode(texts);
  const [single] = [await encoder.encode(texts.at(-2)!)];
  await using exact = await SparseEncoder.load(modelOf(step.model), { device: "cpu" });
  const wanted = await exact.encode(texts);
  return {
    computation: encoder.describe().computation,
    ...compared(got, wanted),
    "longest text alone, to itself among others":
      single.indices.length - got.row(texts.length - 2).indices.length,
  };
}

function compared(got: SparseMatrix, wanted: SparseMatrix): Record<string, unknown> {
  let [worst, sum, entries, oneSided] = [0, 0, 0, 0];
  for (let row = 0; row < wanted.length; row++) {
    const [a, b] = [got.row(row).toMap(), wanted.row(row).toMap()];
    for (const index of new Set([...a.keys(), ...b.keys()])) {
      const apart = Math.abs((a.get(index) ?? 0) - (b.get(index) ?? 0));
      worst = Math.max(worst, apart);
      sum += apart;
      entries++;
      if (a.has(index) !== b.has(index)) oneSided++;
    }
  }
  return { entries, "on one side only": oneSided, largest: worst, mean: sum / entries };
}

/** nDCG@10 on Cranfield. */
async function quality(step: Step, data: string): Promise<unknown> {
  const { documents, queries, judgements } = JSON.parse(
    readFileSync(path.join(data, "cranfield.json"), "utf8"),
  ) as Collection;
  await using encoder = await load(step);
  const index = new InvertedIndex(encoder.embeddingDimension);
  const ids = documents.map(({ id }) => id);
  index.addMany(ids, await encoder.encodeDocument(documents.map(({ text }) => text)));
  const embeddings = await encoder.encodeQuery(queries.map(({ text }) => text));
  const scores = queries.map(({ id }, row) => {
    const ranking = index.search(embeddings.row(row), { topK: 10 }).map((hit) => hit.id);
    return ndcg(ranking, new Map(Object.entries(judgements[id] ?? {})), 10);
  });
  return { "nDCG@10": scores.reduce((sum, score) => sum + score, 0) / scores.length };
}

/** A pool over a card and the CPU, and one that names the card twice: rates, and whether the rows equal the rows of one device. */
async function pool(step: Step, data: string): Promise<unknown> {
  const texts = textsOf(data, step.texts ?? 4096);
  await using encoder = await load(step);
  const expected = await encoder.encode(texts);
  const results: Record<string, unknown> = {};
  for (const devices of [["cuda:0"], ["cuda:0", "cuda:0"], ["cuda:0", "cpu"]]) {
    await using started = await encoder.startPool(devices);
    await encoder.encode(texts.slice(0, 1024), { pool: started });
    const begun = performance.now();
    const rows = await encoder.encode(texts, { pool: started });
    const rate = Math.round((texts.length * 1000) / (performance.now() - begun));
    results[devices.join(" + ")] = { "texts/s": rate, ...compared(rows, expected) };
  }
  return results;
}

/** What a load or a call that must fail says. */
async function failure(step: Step, data: string): Promise<unknown> {
  const begun = performance.now();
  try {
    await using encoder = await load(step);
    const rows = await encoder.encode(textsOf(data, step.texts ?? 256));
    return { opened: encoder.describe().device, rows: rows.length };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return { code, message, milliseconds: Math.round(performance.now() - begun) };
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
