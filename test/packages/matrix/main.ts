// Tries the packed packages with package managers, bundlers, runtimes and compilers, and writes docs/compatibility.md.
// Arguments name what to run again, by a part of the table or the row: pnpm test:packages bundlers "next@". Default: all.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { installers, makeProject, pack, root, run } from "../../helpers/package-install.ts";
import { bundlerCells } from "./bundlers.ts";
import { type Cell, type CellResult, tryCell } from "./cell.ts";
import { compilerCells } from "./compilers.ts";
import { installerCells } from "./installers.ts";
import { type Compatibility, describeSystem } from "./report.ts";
import { runtimeCells } from "./runtimes.ts";
import { sharedRuntimeCells } from "./shared-runtime.ts";
import { resultFile, writeReport } from "./write-report.ts";

const wanted = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "packages-"));
try {
  const results = await runCells(await makeCells());
  const compatibility: Compatibility = {
    system: describeSystem(),
    date: new Date().toISOString().slice(0, 10),
    results: merge(results),
  };
  writeFileSync(resultFile, `${JSON.stringify(compatibility, null, 2)}\n`);
  await run(root, "npx", "biome", "format", "--write", resultFile);
  await writeReport();
  const failed = results.filter((result) => result.problem !== undefined).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** What was run now, in the places of what was known of the same cells; tables that were run as a whole lose old rows. */
function merge(results: readonly CellResult[]): CellResult[] {
  const known = existsSync(resultFile)
    ? (JSON.parse(readFileSync(resultFile, "utf8")) as Compatibility).results
    : [];
  const keyOf = ({ table, row, column }: CellResult) => JSON.stringify([table, row, column]);
  const cells = new Map(
    [...(wanted.length === 0 ? [] : known), ...results].map((result) => [keyOf(result), result]),
  );
  return [...cells.values()].sort((a, b) => (a.table < b.table ? -1 : a.table > b.table ? 1 : 0));
}

async function makeCells(): Promise<Cell[]> {
  const tarballs = await Promise.all(["core", "langchain", "llamaindex"].map((name) => pack(name, folder)));
  const project = makeProject(folder, "project");
  const frameworks = ["@langchain/core@1.4.0", "@llamaindex/core@0.6.22", "@types/node@20"];
  await installers.npm(project, ...tarballs, ...frameworks);
  const away = path.join(folder, "away");
  mkdirSync(away);
  const cells = [
    ...installerCells(folder, tarballs[0]!),
    ...bundlerCells(project, away, [...tarballs, ...frameworks]),
    ...runtimeCells(project),
    ...sharedRuntimeCells(folder, tarballs[0]!),
    ...compilerCells(project),
  ];
  const isWanted = ({ table, row }: Cell) =>
    wanted.some((word) => `${table} ${row}`.toLowerCase().includes(word.toLowerCase()));
  return wanted.length === 0 ? cells : cells.filter(isWanted);
}

/** One after the other: each uses all cores. */
async function runCells(cells: readonly Cell[]): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const cell of cells) {
    const result = await tryCell(cell);
    console.log(
      `${result.problem === undefined ? "yes" : "NO "} ${cell.table}: ${cell.row}, ${cell.column} ${result.problem ?? ""}`,
    );
    results.push(result);
  }
  return results;
}
