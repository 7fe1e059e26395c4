// A decoder-only sparse encoder of 0.6 billion parameters, random weights: time to load, peak memory, texts per second.
// Linux only. Usage: pnpm bench:decoder, and bench/reference/decoder.py for PyTorch beside it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SparseEncoder } from "@sparse-encoder/core";
import { randomDecoder } from "./random-decoder.ts";
import { writeReport } from "./report.ts";

const texts = Array.from({ length: 16 }, (_, n) => `text ${n} of words that a query may look for `.repeat(4));

const [dtype, cacheDir] = process.argv.slice(2);
if (dtype === "texts") console.log(JSON.stringify({ folder: randomDecoder(), texts }));
else if (dtype !== undefined) console.log(JSON.stringify(await measure(dtype as "fp32", cacheDir!)));
else report();

async function measure(dtype: "fp32" | "int8", cacheDir: string) {
  const started = performance.now();
  await using encoder = await SparseEncoder.load(randomDecoder(), { dtype, cacheDir, workers: 1 });
  const loaded = performance.now();
  await encoder.encode(texts.slice(0, 1));
  const warm = performance.now();
  await encoder.encode(texts);
  const done = performance.now();
  const [ids] = await encoder.tokenize(texts.slice(0, 1));
  return {
    loadSeconds: (loaded - started) / 1000,
    textsPerSecond: (texts.length / (done - warm)) * 1000,
    tokensPerText: ids!.length,
    peakGigabytes: (process.resourceUsage().maxRSS * 1024) / 1e9,
  };
}

function report(): void {
  randomDecoder();
  const cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-bench-"));
  const run = (dtype: string) =>
    JSON.parse(
      execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), dtype, cache], {
        encoding: "utf8",
        maxBuffer: 1 << 24,
      }),
    ) as Awaited<ReturnType<typeof measure>>;
  // The first run of each makes files that the second one finds.
  const figures = Object.fromEntries(
    ["fp32", "fp32", "int8", "int8"].map((dtype, n) => [`${dtype} ${(n % 2) + 1}`, run(dtype)]),
  );
  rmSync(cache, { recursive: true });
  writeReport("decoder", figures);
  console.table(figures);
}
