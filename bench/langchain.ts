// What the LangChain adapter costs: `embedDocuments` against `encodeDocument` of core, the same texts in turn in one process.
// Usage: pnpm bench:langchain [-- --texts 2000 --rounds 7]
import { parseArgs } from "node:util";
import { SparseEncoder } from "@sparse-encoder/core";
import { SparseEmbeddings } from "@sparse-encoder/langchain";
import { readCranfield } from "../examples/cranfield.ts";
import { inPairs, printFigures, toFigures } from "./pairs.ts";
import { writeReport } from "./report.ts";

const { values: options } = parseArgs({
  options: { texts: { type: "string", default: "2000" }, rounds: { type: "string", default: "7" } },
  // pnpm hands a leading `--` through.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
});
const abstracts = readCranfield().documents.map(({ text }) => text);
const texts = Array.from({ length: Number(options.texts) }, (_, n) => abstracts[n % abstracts.length]!);

await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 128 });
const embeddings = new SparseEmbeddings({ encoder });
const times = await inPairs(
  Number(options.rounds),
  () => encoder.encodeDocument(texts),
  () => embeddings.embedDocuments(texts),
);
const figures = {
  texts: texts.length,
  ...toFigures(times, ["encodeDocument of core", "embedDocuments"], 3),
};
printFigures(figures);
writeReport("langchain", figures);
