// Texts per second and peak memory of the shapes in docs/models.json, random weights, 128 tokens per text, each shape in a process of its own.
// Usage: pnpm bench:model-shapes [name ...], then node scripts/model-table.mjs. Linux only; 3 GB of disk are taken and given back.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CrossEncoder, DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { type ModelShape, writeModel } from "./model-of-shape.ts";
import { writeReport } from "./report.ts";

interface ShapeFigures {
  readonly textsPerSecond: number;
  readonly peakMegabytes: number;
}

const tokens = 128;
const formats = ["fp32", "int8"] as const;

async function report(only: readonly string[]): Promise<void> {
  const file = fileURLToPath(new URL("../docs/models.json", import.meta.url));
  const models: ModelShape[] = JSON.parse(readFileSync(file, "utf8"));
  const figures: Record<string, Record<string, ShapeFigures>> = {};
  for (const model of models) {
    if (only.length > 0 && !only.includes(model.name)) continue;
    const place = mkdtempSync(path.join(tmpdir(), "sparse-encoder-bench-shape-"));
    await writeModel(place, model);
    // Some seconds each: 8 texts of the largest shapes, some 90 of the smallest.
    const count = Math.max(8, Math.round(2000 / model.millions));
    for (const format of formats) {
      const row = run([format, place, model.kind, String(count), place]);
      figures[model.name] = { ...figures[model.name], [format]: row };
      console.log(model.name, format, row);
    }
    rmSync(place, { recursive: true });
  }
  if (only.length === 0) writeReport("model-shapes", figures);
}

function run(args: readonly string[]): ShapeFigures {
  const node = [...process.execArgv, fileURLToPath(import.meta.url), ...args];
  return JSON.parse(execFileSync(process.execPath, node, { encoding: "utf8" }).trim().split("\n").at(-1)!);
}

async function measure(
  dtype: (typeof formats)[number],
  place: string,
  kind: ModelShape["kind"],
  count: number,
  cacheDir: string,
): Promise<ShapeFigures> {
  const options = { dtype, cacheDir, workers: 1 };
  const words = "words that a query may look for in one of many documents ".repeat(24);
  const texts = Array.from({ length: count }, (_, n) => `text ${n} of ${words}`);
  let encode: (texts: readonly string[]) => Promise<unknown>;
  if (kind === "reranker") {
    const reranker = await CrossEncoder.load(place, options);
    reranker.maxSeqLength = tokens;
    encode = (texts) => reranker.rank("a query of five words", texts);
  } else {
    const sparse = kind === "sparse" ? await SparseEncoder.load(place, options) : undefined;
    const dense = sparse === undefined ? await DenseEncoder.load(place, options) : undefined;
    for (const encoder of [sparse, dense]) if (encoder !== undefined) encoder.maxSeqLength = tokens;
    encode = async (texts) => (await sparse?.encode(texts)) ?? (await dense?.encode(texts));
  }
  await encode(texts.slice(0, 2));
  const start = performance.now();
  await encode(texts);
  const seconds = (performance.now() - start) / 1000;
  const rounded = (value: number) => Number(value.toPrecision(3));
  setImmediate(() => process.exit());
  return {
    textsPerSecond: rounded(count / seconds),
    peakMegabytes: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
  };
}

const [first, folder, kind, texts, cacheDir] = process.argv.slice(2);
if (first === "fp32" || first === "int8") {
  console.log(
    JSON.stringify(await measure(first, folder!, kind as ModelShape["kind"], Number(texts), cacheDir!)),
  );
} else await report(process.argv.slice(2));
