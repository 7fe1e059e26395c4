// Two CPU devices beside one, with as many threads in all and with one thread each: the embedded model, texts of about 128 tokens.
// Usage: pnpm bench:devices [-- --texts 512 --rounds 5]
import { parseArgs } from "node:util";
import { type EncoderPool, SparseEncoder } from "@sparse-encoder/core";
import { writeReport } from "./report.ts";
import { textsOfTokens } from "./texts.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { texts: { type: "string", default: "512" }, rounds: { type: "string", default: "5" } },
});

const figures: Record<string, Record<string, number>> = {};
for (const dtype of ["fp32", "int8"] as const) {
  await using encoder = await SparseEncoder.load(undefined, { dtype, workers: 1, threads: 1 });
  // A pool gives each of its devices an equal share of the cores.
  await using one = await encoder.startPool(["cpu"]);
  await using two = await encoder.startPool(["cpu", "cpu"]);
  const texts = await textsOfTokens(encoder, 128, Number(options.texts));
  const ways: Record<string, EncoderPool | undefined> = {
    "1 device, 1 thread": undefined,
    "1 device, all threads": one,
    "2 devices, 1 thread each": two,
  };
  const best: Record<string, number> = {};
  // In turn, so that what else the machine does meets all of them; the first round opens the models.
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const [way, pool] of Object.entries(ways)) {
      const started = performance.now();
      await encoder.encode(texts, pool && { pool });
      const rate = (texts.length * 1000) / (performance.now() - started);
      if (round > 0) best[way] = Math.max(best[way] ?? 0, rate);
    }
  }
  const rateOfTwo = best["2 devices, 1 thread each"]!;
  const ratio = (way: string) => Number((rateOfTwo / best[way]!).toFixed(2));
  figures[dtype] = {
    ...Object.fromEntries(Object.entries(best).map(([way, rate]) => [`${way}, texts/s`, Math.round(rate)])),
    "2 devices to 1, 1 thread each": ratio("1 device, 1 thread"),
    "2 devices to 1, as many threads": ratio("1 device, all threads"),
  };
}
console.table(figures);
writeReport("devices", figures);
