// Encodes texts with this library, in a process of its own and by the protocol of serve.py: a JSON request a line in, a JSON
// answer a line out. Plain JavaScript, so that the memory of a compiler is not counted. Usage: engine.mjs MODEL_FOLDER THREADS DTYPE CACHE_FOLDER WORKERS
import { createInterface } from "node:readline";
import { SparseEncoder } from "@sparse-encoder/core";

const [folder, threads, dtype, cacheDir, workers] = process.argv.slice(2);
const encoder = await SparseEncoder.load(folder, {
  threads: Number(threads),
  workers: Number(workers),
  dtype,
  cacheDir,
});
const answer = (value) => console.log(JSON.stringify(value));
answer({ versions: { node: process.version } });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const started = performance.now();
  const embeddings = await encoder.encode(request.texts);
  const seconds = (performance.now() - started) / 1000;
  const rows =
    request.rows === true
      ? embeddings.toRows().map(({ indices, values }) => ({ indices: [...indices], values: [...values] }))
      : [];
  answer({ seconds, peakRss: process.resourceUsage().maxRSS * 1024, rows });
}
await encoder.close();
