// Rerankers, bge-m3, a decoder-only model and long texts beside PyTorch: random models of their shapes, the same texts and threads, in turn.
// Usage: pnpm bench:models [-- --only rerankers,m3,decoder,long --rounds 3]; writes bench/results/models-<name>.json each.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { writeReport } from "../report.ts";
import { benchDecoder } from "./decoder.ts";
import { benchLong } from "./long.ts";
import { benchM3 } from "./m3.ts";
import { benchRerankers } from "./rerankers.ts";

const benches: Readonly<Record<string, (rounds: number, cache: string) => Promise<unknown>>> = {
  rerankers: benchRerankers,
  m3: benchM3,
  decoder: benchDecoder,
  long: benchLong,
};

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    only: { type: "string", default: Object.keys(benches).join(",") },
    rounds: { type: "string", default: "3" },
  },
});
for (const name of options.only.split(",")) {
  const bench = benches[name];
  if (bench === undefined) throw new Error(`There is no bench ${name}; choose of ${Object.keys(benches)}.`);
  // Empty, so that the first load makes its files.
  const cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-bench-"));
  const started = performance.now();
  writeReport(`models-${name}`, await bench(Number(options.rounds), cache));
  console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  rmSync(cache, { recursive: true });
}
