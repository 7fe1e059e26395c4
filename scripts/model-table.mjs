// Writes the table of models in docs/models.md from docs/models.json. Usage: node scripts/model-table.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const page = new URL("../docs/models.md", import.meta.url);
const models = JSON.parse(readFileSync(new URL("../docs/models.json", import.meta.url), "utf8"));
const resultsFile = new URL("../bench/results/model-shapes.json", import.meta.url);
const results = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, "utf8")) : undefined;
/** A figure of `pnpm bench:model-shapes`; a dash for one that was not taken. */
const figure = ({ name }, format, key) =>
  results?.figures[name]?.[format]?.[key]?.toLocaleString("en") ?? "-";
const measured = [
  ["texts/s fp32", (model) => figure(model, "fp32", "textsPerSecond")],
  ["texts/s int8", (model) => figure(model, "int8", "textsPerSecond")],
  ["MB fp32", (model) => figure(model, "fp32", "peakMegabytes")],
  ["MB int8", (model) => figure(model, "int8", "peakMegabytes")],
];
const columns = [
  "model",
  "kind",
  "family",
  "parameters",
  "vocabulary",
  "licence",
  "access",
  "tried of this kind",
  ...(results === undefined ? [] : measured.map(([title]) => title)),
];
const cells = models.map((model) => [
  `\`${model.name}\``,
  model.kind,
  model.family,
  `${model.millions} M`,
  model.vocabulary.toLocaleString("en"),
  model.licence,
  model.gated ? "gated" : "open",
  model.tried.map((name) => `\`${name}\``).join(", "),
  ...(results === undefined ? [] : measured.map(([, of]) => of(model))),
]);
const widths = columns.map((title, n) => Math.max(title.length, ...cells.map((row) => row[n].length)));
const line = (row) => `| ${row.map((cell, n) => cell.padEnd(widths[n])).join(" | ")} |`;
const table = [line(columns), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
const [start, end] = ["<!-- models: made by scripts/model-table.mjs -->", "<!-- end of models -->"];
const text = readFileSync(page, "utf8");
const made = `${text.slice(0, text.indexOf(start) + start.length)}\n\n${table}\n\n${text.slice(text.indexOf(end))}`;
if (!process.argv.includes("--check")) writeFileSync(page, made);
else if (made !== text) {
  throw new Error("docs/models.md: the table of models is old; run node scripts/model-table.mjs.");
}
