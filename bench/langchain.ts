// What the LangChain adapter costs: `embedDocuments` against `encodeDocument` of core, the same texts in turn in one process.
// Usage: pnpm bench:langchain [-- --texts 2000 --rounds 5]
import { parseArgs } from "node:util";
import { SparseEncoder } from "@sparse-encoder/core";
import { SparseEmbeddings } from "@sparse-encoder/langchain";
import { readCranfield } from "../examples/cranfield.ts";
import { writeReport } from "./report.ts";

const { values: options } = parseArgs({
  options: { texts: { type: "string", default: "2000" }, rounds: { type: "string", default: "5" } },
  // pnpm hands a leading `--` through.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
});
const abstracts = readCranfield().documents.map(({ text }) => text);
const texts = Array.from({ length: Number(options.texts) }, (_, n) => abstracts[n % abstracts.length]!);

await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 128 });
const embeddings = new SparseEmbeddings({ encoder });
await encoder.encodeDocument(texts.slice(0, 64));

const seconds = { core: [] as number[], langchain: [] as number[] };
const time = async (name: keyof typeof seconds, work: () => Promise<unknown>) => {
  const started = performance.now();
  await work();
  seconds[name].push((performance.now() - started) / 1000);
};
for (let round = 0; round < Number(options.rounds); round++) {
  const works = [
    () => time("core", () => encoder.encodeDocument(texts)),
    () => time("langchain", () => embeddings.embedDocuments(texts)),
  ];
  // In turn, so that a machine that gets slower or faster is fair to both.
  for (const work of round % 2 === 0 ? works : works.reverse()) await work();
}
const least = (values: number[]) => Math.min(...values);
const figures = {
  texts: texts.length,
  "encodeDocument of core, s": Number(least(seconds.core).toFixed(3)),
  "embedDocuments, s": Number(least(seconds.langchain).toFixed(3)),
  "longer by, %": Number(((least(seconds.langchain) / least(seconds.core) - 1) * 100).toFixed(2)),
};
console.table(figures);
writeReport("langchain", figures);
