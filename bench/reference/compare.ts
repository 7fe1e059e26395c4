// This library beside sentence-transformers on PyTorch: the same texts, the same threads, one after the other in turn. Beside them
// the method of fastembed for JavaScript: see padded.mjs.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { randomBert } from "../random-model.ts";
import { writeReport } from "../report.ts";
import { LineProcess, referencePython } from "./process.ts";

interface Answer {
  readonly seconds: number;
  readonly peakRss: number;
  readonly rows: readonly { readonly indices: number[]; readonly values: number[] }[];
}

type EncodingProcess = LineProcess<
  unknown,
  { readonly texts: readonly string[]; readonly rows: boolean },
  Answer
>;

/** A process that encodes, and what it has shown. */
class Engine {
  readonly name: string;
  /** The most so far. */
  textsPerSecond = 0;
  peakRss = 0;
  private readonly process: EncodingProcess;

  private constructor(process: EncodingProcess) {
    this.name = process.name;
    this.process = process;
  }

  static async start(name: string, command: string, args: readonly string[]): Promise<Engine> {
    return new Engine(await LineProcess.start(name, command, args));
  }

  async encode(texts: readonly string[], rows = false): Promise<Answer> {
    const answer = await this.process.ask({ texts, rows });
    this.textsPerSecond = Math.max(this.textsPerSecond, texts.length / answer.seconds);
    this.peakRss = Math.max(this.peakRss, answer.peakRss);
    return answer;
  }

  end(): void {
    this.process.end();
  }
}

/** Number of texts: one batch of 32 for each shape, so that peak memory is for 32 x 128 tokens. */
const textCount = 32;

/** Compares shapes and numbers of threads, prints tables and writes each to `encode-reference-<shape>`. */
export async function compareWithReference(
  texts: readonly string[],
  rounds: number,
  shapes: readonly string[],
): Promise<void> {
  const python = referencePython();
  const serve = fileURLToPath(new URL("serve.py", import.meta.url));
  const engineFile = fileURLToPath(new URL("engine.mjs", import.meta.url));
  const cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-bench-"));
  for (const shape of shapes) {
    const rows: Record<string, Record<string, string | number>> = {};
    for (const threads of [1, 2]) {
      const model = randomBert(shape);
      const node = (dtype: string, workers: number, perWorker: number) =>
        Engine.start(`${dtype}, ${workers} x ${perWorker} threads`, process.execPath, [
          engineFile,
          model,
          String(perWorker),
          dtype,
          cache,
          String(workers),
        ]);
      const reference = await Engine.start("reference", python, [serve, model, String(threads)]);
      // One worker of as many threads, and as many workers of one thread.
      const engines = [await node("fp32", 1, threads), await node("int8", 1, threads)];
      if (threads > 1) engines.push(await node("fp32", threads, 1), await node("int8", threads, 1));
      const sample = texts.slice(0, textCount);
      const expected = (await reference.encode(sample, true)).rows;
      const actual = (await engines[0]!.encode(sample, true)).rows;
      for (const engine of engines.slice(1)) await engine.encode(sample);
      for (let round = 0; round < rounds; round++) {
        for (const engine of [reference, ...engines]) await engine.encode(sample);
      }
      if (threads === 1) {
        engines.push(await padded(python, model, cache, sample));
      }
      for (const engine of engines) {
        const difference = engine === engines[0] ? largestDifference(expected, actual) : undefined;
        rows[`${shape}, ${engine.name}`] = toRow(reference, engine, difference);
      }
      for (const engine of [reference, ...engines]) engine.end();
      console.table(rows);
    }
    writeReport(`encode-reference-${shape}`, rows);
  }
  rmSync(cache, { recursive: true });
}

/** A model whose batches are padded to 512 tokens, asked once and for a quarter of the texts: padding makes it slow. */
async function padded(
  python: string,
  model: string,
  cache: string,
  texts: readonly string[],
): Promise<Engine> {
  const exported = path.join(cache, `${path.basename(model)}.onnx`);
  const exportFile = fileURLToPath(new URL("export.py", import.meta.url));
  execFileSync(python, [exportFile, model, exported], { stdio: "ignore" });
  const paddedFile = fileURLToPath(new URL("padded.mjs", import.meta.url));
  const engine = await Engine.start("padded to 512, 1 thread", process.execPath, [
    paddedFile,
    model,
    exported,
    "1",
  ]);
  await engine.encode(texts.slice(0, textCount / 4));
  return engine;
}

function toRow(reference: Engine, engine: Engine, difference: number | undefined) {
  return {
    "reference, texts/s": round(reference.textsPerSecond),
    "texts/s": round(engine.textsPerSecond),
    "times as fast": round(engine.textsPerSecond / reference.textsPerSecond),
    "largest difference": difference?.toExponential(1) ?? "-",
    "reference RSS, MB": Math.round(reference.peakRss / 1e6),
    "RSS, MB": Math.round(engine.peakRss / 1e6),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

function largestDifference(a: Answer["rows"], b: Answer["rows"]): number {
  let largest = 0;
  a.forEach((row, number) => {
    const other = new Map(b[number]!.indices.map((index, place) => [index, b[number]!.values[place]!]));
    row.indices.forEach((index, place) => {
      largest = Math.max(largest, Math.abs(row.values[place]! - (other.get(index) ?? 0)));
      other.delete(index);
    });
    for (const value of other.values()) largest = Math.max(largest, Math.abs(value));
  });
  return largest;
}
