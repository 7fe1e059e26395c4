// Memory of a long stream: resident bytes after a tenth of the texts and at the end.
// Usage: pnpm bench:stream [-- --texts 200000 --model folder]
import { parseArgs } from "node:util";
import { SparseEncoder } from "@sparse-encoder/core";
import { readCranfield } from "../examples/cranfield.ts";
import { writeReport } from "./report.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { texts: { type: "string", default: "200000" }, model: { type: "string" } },
});
const textCount = Number(options.texts);
const words = readCranfield().documents.flatMap(({ text }) => text.split(/\s+/));

/** Texts of 4 to 11 words, made as they are taken. */
function* shortTexts(): Generator<string> {
  for (let number = 0, start = 0; number < textCount; number++) {
    const length = 4 + (number % 8);
    yield Array.from({ length }, (_, offset) => words[(start + offset) % words.length]).join(" ");
    start += length;
  }
}

await using encoder = await SparseEncoder.load(options.model);
const resident = () => process.memoryUsage.rss() / 1e6;
const marks: Record<string, number> = {};
let taken = 0;
let entries = 0;
const started = performance.now();
for await (const vector of encoder.encodeStream(shortTexts())) {
  entries += vector.activeDims;
  taken++;
  if (taken % (textCount / 10) === 0) {
    marks[`after ${taken}, MB`] = Math.round(resident());
    console.log(`${taken} texts, ${Math.round(resident())} MB`);
  }
}
const seconds = (performance.now() - started) / 1000;
const [first, last] = [Object.values(marks)[0]!, Object.values(marks).at(-1)!];
const figures = {
  texts: taken,
  "texts per second": Math.round(taken / seconds),
  "active dims a text": Number((entries / taken).toFixed(1)),
  ...marks,
  "growth after the first tenth, %": Number(((last / first - 1) * 100).toFixed(1)),
};
console.table(figures);
writeReport("stream", figures);
