// Writes the table of models in docs/models.md from docs/models.json. Usage: node scripts/model-table.mjs [--check]
import { readFileSync, writeFileSync } from "node:fs";

const page = new URL("../docs/models.md", import.meta.url);
const models = JSON.parse(readFileSync(new URL("../docs/models.json", import.meta.url), "utf8"));
const columns = [
  "model",
  "kind",
  "family",
  "parameters",
  "vocabulary",
  "licence",
  "access",
  "tried of this kind",
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
