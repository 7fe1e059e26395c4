// Memory of a BERT-base-sized model in one and in two workers, and what making its int8 weights takes.
// Linux only: reads /proc. Usage: pnpm bench:memory
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SparseEncoder } from "@sparse-encoder/core";
import { randomBert } from "./random-model.ts";
import { writeReport } from "./report.ts";

/** One measurement, taken in a process of its own. */
interface Measurement {
  seconds: number;
  peakRss: number;
  rss: number;
  proportional: number;
  /** Resident bytes of the mapped weights, all mappings together, and of these the shared ones. */
  weightsMapped: number;
}

const [dtype, workers, cacheDir] = process.argv.slice(2);
if (dtype !== undefined)
  console.log(JSON.stringify(await measure(dtype as "fp32", Number(workers), cacheDir!)));
else report();

async function measure(dtype: "fp32" | "int8", workers: number, cacheDir: string): Promise<Measurement> {
  const started = performance.now();
  const encoder = await SparseEncoder.load(randomBert("base"), { dtype, workers, cacheDir, threads: 1 });
  const seconds = (performance.now() - started) / 1000;
  await encoder.encode(
    Array.from({ length: 64 }, () => "a text of some words that every worker has to read once".repeat(4)),
  );
  const smaps = readFileSync("/proc/self/smaps", "utf8");
  const bytes = (text: string, key: string) =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
  const mappings = smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const weights = mappings.filter((mapping) => mapping.split("\n")[0]!.endsWith(".safetensors"));
  const measurement = {
    seconds,
    peakRss: process.resourceUsage().maxRSS * 1024,
    rss: process.memoryUsage.rss(),
    proportional: bytes(readFileSync("/proc/self/smaps_rollup", "utf8"), "Pss"),
    weightsMapped: weights.reduce((sum, mapping) => sum + bytes(mapping, "Rss"), 0),
  };
  await encoder.close();
  return measurement;
}

function report(): void {
  const folder = randomBert("base");
  const cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-memory-"));
  const run = (...args: string[]) =>
    JSON.parse(
      execFileSync(process.execPath, ["--import", "tsx", fileURLToPath(import.meta.url), ...args], {
        encoding: "utf8",
      }),
    ) as Measurement;
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  const rows: Record<string, Record<string, number>> = {};
  for (const [name, args] of Object.entries({
    "fp32, 1 worker": ["fp32", "1", cache],
    "fp32, 2 workers": ["fp32", "2", cache],
    "int8, first load": ["int8", "1", cache],
    "int8, 1 worker": ["int8", "1", cache],
    "int8, 2 workers": ["int8", "2", cache],
  })) {
    const { seconds, peakRss, rss, proportional, weightsMapped } = run(...args);
    rows[name] = {
      "load, s": Number(seconds.toFixed(2)),
      "peak RSS, MB": megabytes(peakRss),
      "RSS, MB": megabytes(rss),
      "proportional set, MB": megabytes(proportional),
      "weights mapped, MB": megabytes(weightsMapped),
    };
  }
  console.log(`Weights ${megabytes(statSync(path.join(folder, "model.safetensors")).size)} MB in fp32`);
  console.table(rows);
  writeReport("memory", rows);
  rmSync(cache, { recursive: true });
}
