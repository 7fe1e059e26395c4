// Speed, memory and responsiveness of encoding with the embedded model: 2,000 texts of about 128 tokens.
// Usage: pnpm bench:encode [-- --texts 2000 --tokens 128 --threads 2 --workers 2 --model folder]
// With --reference: beside sentence-transformers instead, for three sizes of model; needs Python 3.11 or later.
import { readFileSync, statSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { SparseEncoder } from "@sparse-encoder/core";
import { compareWithReference } from "./reference/compare.ts";
import { writeReport } from "./report.ts";
import { textsOfTokens } from "./texts.ts";

const { values: options } = parseArgs({
  options: {
    texts: { type: "string", default: "2000" },
    tokens: { type: "string", default: "128" },
    threads: { type: "string" },
    workers: { type: "string" },
    model: { type: "string" },
    reference: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    shapes: { type: "string", default: "tiny,small,base" },
  },
});
const textCount = Number(options.texts);
const tokens = Number(options.tokens);

/** Bytes that this process has asked the system to read so far; mapped files do not count. Linux only. */
function bytesRead(): number | undefined {
  try {
    return Number(/^rchar: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

// Loading first, before anything is warm.
const readBefore = bytesRead();
const loadStarted = performance.now();
const encoder = await SparseEncoder.load(options.model, {
  ...(options.threads !== undefined && { threads: Number(options.threads) }),
  ...(options.workers !== undefined && { workers: Number(options.workers) }),
});
const loadSeconds = (performance.now() - loadStarted) / 1000;
const readByLoad = readBefore === undefined ? undefined : bytesRead()! - readBefore;
await encoder.encode("first");
const firstVectorSeconds = (performance.now() - loadStarted) / 1000;
const { weightsFiles, threads, workers } = encoder.describe();
const weightsBytes = weightsFiles.reduce((sum, file) => sum + statSync(file).size, 0);

const texts = await textsOfTokens(encoder, tokens, textCount);
const lengths = (await encoder.tokenize(texts)).map((ids) => ids.length);
const meanTokens = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;

if (options.reference) {
  await encoder.close();
  await compareWithReference(texts, Number(options.rounds), options.shapes.split(","));
  process.exit();
}

await encoder.encode(texts.slice(0, 64));
// What preparing the texts left behind is not to be collected while encoding is watched.
globalThis.gc?.();
const delay = monitorEventLoopDelay({ resolution: 1 });
let longestGap = 0;
let lastTick = performance.now();
const ticker = setInterval(() => {
  const now = performance.now();
  longestGap = Math.max(longestGap, now - lastTick - 1);
  lastTick = now;
}, 1);
delay.enable();
lastTick = performance.now();
const started = performance.now();
const embeddings = await encoder.encode(texts);
const seconds = (performance.now() - started) / 1000;
delay.disable();
clearInterval(ticker);

// A single short query, one after the other.
const query = "heat transfer to a blunt body in supersonic flow";
const queryTimes: number[] = [];
for (let run = 0; run < 200; run++) {
  const queryStarted = performance.now();
  await encoder.encodeQuery(query);
  queryTimes.push(performance.now() - queryStarted);
}
queryTimes.sort((a, b) => a - b);

// One text of 10 MB; the model takes its start.
const longText = texts.join(" ").repeat(Math.ceil(1e7 / texts.join(" ").length));
// Makes one flat string of the repetitions, which is not what is measured.
Buffer.byteLength(longText);
let longTextGap = 0;
let lastLongTick = performance.now();
const longTicker = setInterval(() => {
  const now = performance.now();
  longTextGap = Math.max(longTextGap, now - lastLongTick - 1);
  lastLongTick = now;
}, 1);
await encoder.encode(longText);
// The gap that ends with the call counts too.
await new Promise((resolve) => setTimeout(resolve, 5));
clearInterval(longTicker);

const figures = {
  texts: texts.length,
  "mean tokens": Number(meanTokens.toFixed(1)),
  workers,
  threads,
  "load, s": Number(loadSeconds.toFixed(3)),
  "load to first vector, s": Number(firstVectorSeconds.toFixed(3)),
  "weights, bytes": weightsBytes,
  "read by system calls while loading, bytes": readByLoad ?? "unknown",
  "texts per second": Number((texts.length / seconds).toFixed(1)),
  "active dims a text": Number(SparseEncoder.sparsity(embeddings).activeDims.toFixed(1)),
  "peak RSS, MB": Number((process.resourceUsage().maxRSS / 1024).toFixed(0)),
  "longest event-loop gap, ms": Number(longestGap.toFixed(1)),
  "longest event-loop delay, ms": Number((delay.max / 1e6).toFixed(1)),
  "longest event-loop gap with a text of 10 MB, ms": Number(longTextGap.toFixed(1)),
  "one query, median ms": Number(queryTimes[100]!.toFixed(2)),
  "one query, p99 ms": Number(queryTimes[197]!.toFixed(2)),
};
console.table(figures);
writeReport("encode", figures);
await encoder.close();
