// Models with this library, in a process of its own and by the protocol of models.py. Plain JavaScript, so that the memory of a compiler is
// not counted. Usage: models.mjs reranker|m3|decoder|dense MODEL_FOLDER THREADS DTYPE CACHE_FOLDER WORKERS
import { createInterface } from "node:readline";
import { CrossEncoder, DenseEncoder, HybridEncoder, SparseEncoder } from "@sparse-encoder/core";

const [kind, folder, threads, dtype, cacheDir, workers] = process.argv.slice(2);
const options = { threads: Number(threads), workers: Number(workers), dtype, cacheDir };

const kinds = {
  reranker: async () => {
    const reranker = await CrossEncoder.load(folder, options);
    return async ({ texts }) => [...(await reranker.predict(texts)).slice(0, 8)];
  },
  // Three ways into one file, which they map together.
  m3: async () => {
    const [sparse, dense, both] = [
      await SparseEncoder.load(folder, options),
      await DenseEncoder.load(folder, options),
      await HybridEncoder.load(folder, options),
    ];
    return async ({ texts, output }) => {
      if (output === "sparse") await sparse.encode(texts);
      const rows =
        output === "dense"
          ? await dense.encode(texts)
          : output === "both" && (await both.encode(texts)).dense;
      return rows ? [...rows.row(0).slice(0, 8)] : [];
    };
  },
  decoder: async () => {
    const encoder = await SparseEncoder.load(folder, options);
    return async ({ texts }) => {
      const { values } = (await encoder.encode(texts)).row(0);
      return [...values].sort((a, b) => b - a).slice(0, 8);
    };
  },
  dense: async () => {
    const encoder = await DenseEncoder.load(folder, options);
    return async ({ texts, tokens }) => {
      encoder.maxSeqLength = tokens;
      return [...(await encoder.encode(texts)).row(0).slice(0, 8)];
    };
  },
};

const answer = (value) => console.log(JSON.stringify(value));
const started = performance.now();
const run = await kinds[kind]();
answer({ loadSeconds: (performance.now() - started) / 1000, versions: { node: process.version } });
for await (const line of createInterface({ input: process.stdin })) {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  const sample = await run(JSON.parse(line));
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - begun) / 1000;
  const peakRss = process.resourceUsage().maxRSS * 1024;
  answer({ seconds, cpuSeconds: (user + system) / 1e6, peakRss, sample });
}
process.exit();
