// int8 beside fp32, and beside another build of the library: processor time per text, and how far the vectors are from fp32.
// Usage: tsx bench/int8.ts [--beside path/to/other/packages/core/dist/esm/index.js] [--rounds 15] [--models tiny,minilm,base]
// Encoders take turns, each with one worker of one thread. Processor time and not time, so that other programs do not count.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { readCranfield } from "../examples/cranfield.ts";
import { embeddedModel, randomBert } from "./random-model.ts";
import { writeReport } from "./report.ts";
import { textsOfTokens } from "./texts.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    beside: { type: "string" },
    rounds: { type: "string", default: "15" },
    models: { type: "string", default: "tiny,minilm,base" },
  },
});

type Library = Pick<typeof import("@sparse-encoder/core"), "DenseEncoder" | "SparseEncoder">;
type Row = Float32Array | { readonly indices: Uint32Array; readonly values: Float32Array };

/** What is measured of an encoder, sparse or dense. */
interface Contestant {
  readonly name: string;
  readonly encode: (texts: string[]) => Promise<Iterable<Row>>;
  readonly close: () => Promise<void>;
}

/** Texts of a call and tokens of a text: batches, short texts, one text, a query. */
const calls = [
  [8, 128],
  [32, 16],
  [1, 128],
  [1, 12],
] as const;

const models: Readonly<Record<string, { readonly folder: () => string; readonly dense?: true }>> = {
  tiny: { folder: () => embeddedModel },
  minilm: {
    folder: () => fileURLToPath(new URL("../examples/models/all-minilm-l6-v2", import.meta.url)),
    dense: true,
  },
  base: { folder: () => randomBert("base") },
};

const here: Library = { DenseEncoder, SparseEncoder };
const other = options.beside === undefined ? undefined : ((await import(options.beside)) as Library);

async function open(
  library: Library,
  name: string,
  { folder, dense }: (typeof models)[string],
  dtype: "fp32" | "int8",
): Promise<Contestant> {
  const settings = { dtype, workers: 1, threads: 1 } as const;
  if (dense) {
    const encoder = await library.DenseEncoder.load(folder(), settings);
    return { name, encode: (texts) => encoder.encode(texts), close: () => encoder.close() };
  }
  const encoder = await library.SparseEncoder.load(folder(), settings);
  return { name, encode: (texts) => encoder.encode(texts), close: () => encoder.close() };
}

const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Milliseconds of processor time per call, and the median of the ratios to the first contestant, round by round. */
async function time(contestants: readonly Contestant[], texts: string[]) {
  const times = contestants.map((): number[] => []);
  for (let round = -2; round < Number(options.rounds); round++) {
    for (const [place, { encode }] of contestants.entries()) {
      const started = processorTime();
      await encode(texts);
      if (round >= 0) times[place]!.push(processorTime() - started);
    }
  }
  return contestants.map(({ name }, place) => ({
    name,
    milliseconds: Number(Math.min(...times[place]!).toFixed(2)),
    ratio: Number(median(times[place]!.map((spent, round) => spent / times[0]![round]!)).toFixed(3)),
  }));
}

const normOf = (values: Iterable<number>) => Math.hypot(...values);

/** Norm of the difference between a vector and the vector of fp32, over the norm of the latter: the mean over some documents. */
async function errors(exact: Contestant, contestants: readonly Contestant[]) {
  const texts = readCranfield()
    .documents.slice(0, 100)
    .map(({ text }) => text);
  const table = (row: Row) =>
    new Map("indices" in row ? Array.from(row.indices, (dim, at) => [dim, row.values[at]!]) : row.entries());
  const wanted = Array.from(await exact.encode(texts), table);
  const found: Record<string, number> = {};
  for (const { name, encode } of contestants) {
    const shares = Array.from(await encode(texts), (row, text) => {
      const [numbers, exactly] = [table(row), wanted[text]!];
      const places = new Set([...numbers.keys(), ...exactly.keys()]);
      const apart = Array.from(places, (place) => (numbers.get(place) ?? 0) - (exactly.get(place) ?? 0));
      return normOf(apart) / normOf(exactly.values());
    });
    found[name] = Number((shares.reduce((sum, share) => sum + share, 0) / shares.length).toFixed(4));
  }
  return found;
}

const figures: Record<string, unknown> = {};
for (const name of options.models.split(",")) {
  const model = models[name]!;
  const int8 = await open(here, "int8", model, "int8");
  const fp32 = await open(here, "fp32", model, "fp32");
  const before = other && (await open(other, "int8 of the other build", model, "int8"));
  const contestants = [int8, ...(before ? [before] : []), fp32];
  const tokenizer = await SparseEncoder.load(undefined, { workers: 1 });
  const rows: Record<string, unknown> = {};
  for (const [count, tokens] of calls) {
    const call = `${count} x ${tokens} tokens`;
    rows[call] = await time(contestants, await textsOfTokens(tokenizer, tokens, count));
    console.log(name, call, JSON.stringify(rows[call]));
  }
  rows["mean error against fp32"] = await errors(fp32, before ? [int8, before] : [int8]);
  console.log(name, JSON.stringify(rows["mean error against fp32"]));
  figures[name] = rows;
  for (const contestant of [...contestants, tokenizer]) await contestant.close();
}
writeReport("int8", figures);
