// Writes the tables of docs/benchmarks.md that compare with PyTorch, and the rows of the README that sum them up, from bench/results.
// Usage: node scripts/bench-tables.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const read = (name) => {
  const file = new URL(`bench/results/${name}.json`, root);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).figures : undefined;
};

/** A Markdown table whose columns are as wide as their cells. */
function table(columns, rows) {
  const cells = [columns, ...rows].map((row) => row.map(String));
  const widths = columns.map((_, n) => Math.max(...cells.map((row) => row[n].length)));
  const line = (row) => `| ${row.map((cell, n) => cell.padEnd(widths[n])).join(" | ")} |`;
  return [line(cells[0]), line(widths.map((width) => "-".repeat(width))), ...cells.slice(1).map(line)].join(
    "\n",
  );
}

const shapes = ["tiny", "small", "base"].map((shape) => read(`encode-reference-${shape}`) ?? {});

function encodeTable() {
  const rows = shapes.flatMap((figures) =>
    Object.entries(figures).map(([name, row]) => [
      name,
      row["reference, texts/s"],
      row["texts/s"],
      row["times as fast"],
      `${row["reference RSS, MB"]} MB, ${row["RSS, MB"]} MB`,
    ]),
  );
  const columns = ["reference, texts/s", "this library", "times as fast", "memory: reference, this"];
  return table(["model, format, workers x threads", ...columns], rows);
}

/** A table per bench of bench/models, with a column for each value of a run. */
function modelsTable(name, columns) {
  const figures = read(`models-${name}`);
  if (figures === undefined) return `Not measured yet: \`pnpm bench:models -- --only ${name}\`.`;
  const isFlat = "PyTorch" in figures;
  const rows = Object.entries(isFlat ? { "": figures } : figures).flatMap(([job, runs]) =>
    Object.entries(runs).map(([run, row]) => [
      ...(isFlat ? [run] : [job, run]),
      ...columns.map(([, of]) => of(row, runs)),
    ]),
  );
  return table(
    [...(isFlat ? ["0.6 billion parameters"] : ["", ""]), ...columns.map(([title]) => title)],
    rows,
  );
}

const seconds = ["seconds", (row) => row.seconds];
const ratio = ["times as fast", (row) => row.ratio];
const peak = ["peak memory", (row) => `${row.peakGigabytes} GB`];
const load = (n) => (row) => (row.loads?.[n] === undefined ? "" : `${row.loads[n]} s`);
const tables = {
  encode: encodeTable(),
  rerankers: modelsTable("rerankers", [["pairs per second", (row) => row.pairsPerSecond], ratio, peak]),
  m3: modelsTable("m3", [
    seconds,
    ratio,
    ["time of one pass to this", (row, runs) => (runs["both in one pass"].seconds / row.seconds).toFixed(3)],
  ]),
  decoder: modelsTable("decoder", [
    ["first load", load(0)],
    ["later loads", load(1)],
    ["texts per second", (row) => row.textsPerSecond],
    ratio,
    peak,
  ]),
  long: modelsTable("long", [seconds, ratio, peak]),
};

/** The text between the marks of a table replaced. */
function withTable(text, [name, content]) {
  const [start, end] = [`<!-- ${name}: made by scripts/bench-tables.mjs -->`, `<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no place for the table "${name}".`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** The row of the README that begins with `title`, with another second cell of the same width. */
function withRow(text, title, content) {
  const row = new RegExp(`^(\\| ${title} +\\| )(.*?)( *\\|)$`, "m");
  return text.replace(row, (_, start, old, end) => {
    const width = old.length + end.length - 2;
    return `${start}${content.padEnd(width)} |`;
  });
}

const speedOf = (dtype) => {
  const [tiny, small, base] = shapes.map((figures, n) => {
    const row = figures[`${["tiny", "small", "base"][n]}, ${dtype}, 1 x 1 threads`];
    return Number(row["times as fast"]).toPrecision(2);
  });
  return `${tiny}, ${small} and ${base} times as fast`;
};

const pages = {
  "docs/benchmarks.md": (text) => Object.entries(tables).reduce(withTable, text),
  "README.md": (text) => {
    const first = "encoding beside PyTorch: embedded model, 4 layers, BERT base";
    return withRow(withRow(text, first, speedOf("fp32")), "the same in int8", speedOf("int8"));
  },
};
for (const [page, make] of Object.entries(pages)) {
  const file = new URL(page, root);
  const text = readFileSync(file, "utf8");
  const made = make(text);
  if (!process.argv.includes("--check")) writeFileSync(file, made);
  else if (made !== text) throw new Error(`${page} is old; run node scripts/bench-tables.mjs.`);
}
