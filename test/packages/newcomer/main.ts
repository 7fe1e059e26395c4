// Does what a newcomer does, in an empty folder, with an empty cache of npm, and measures the time to the first result:
// install the packages as the page says, and run its code. Writes docs/compatibility.md.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { blocksOf } from "../../docs/code-blocks.ts";
import { pack, root, run } from "../../helpers/package-install.ts";
import { describeSystem } from "../matrix/report.ts";
import { writeReport } from "../matrix/write-report.ts";
import { neighbourLines } from "../neighbour-lines.ts";
import { type NewcomerResult, newcomerFile } from "./newcomer-result.ts";

interface Way {
  readonly page: string;
  readonly packages: readonly string[];
  readonly program: string;
}

const folder = mkdtempSync(path.join(tmpdir(), "newcomer-"));
try {
  const tarballs = new Map<string, string>();
  for (const name of ["core", "langchain"]) {
    tarballs.set(`@sparse-encoder/${name}`, await pack(name, folder));
  }
  const results: NewcomerResult[] = [];
  for (const way of ways()) {
    const packages = way.packages.map((name) => tarballs.get(name) ?? name);
    const result = await measure(way, packages, path.join(folder, String(results.length)));
    console.log(
      `${way.page}: install ${result.installSeconds.toFixed(0)} s, run ${result.runSeconds.toFixed(1)} s`,
    );
    results.push(result);
  }
  const npm = (await run(folder, "npm", "--version")).trim();
  const date = new Date().toISOString().slice(0, 10);
  const report = { system: `${describeSystem()}, npm ${npm}`, date, results };
  writeFileSync(newcomerFile, `${JSON.stringify(report, null, 2)}\n`);
  await writeReport();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The pages, what they install, and the code that they show. */
function ways(): Way[] {
  const core = "@sparse-encoder/core";
  const lines = (page: string) => neighbourLines(page).join(";\n");
  return [
    { page: "README.md", packages: [core], program: blocksOf("README.md").find(isFirstExample)!.code },
    ...["from-sentence-transformers.md", "from-fastembed.md"].map((page) => ({
      page: `docs/${page}`,
      packages: [core],
      program: lines(page),
    })),
    {
      page: "docs/from-ensemble-retriever.md",
      packages: [core, "@sparse-encoder/langchain", langchainOf()],
      program: lines("from-ensemble-retriever.md"),
    },
  ];
}

function isFirstExample({ language }: { readonly language: string }): boolean {
  return language === "ts";
}

/** LangChain in the version that the workspace has. */
function langchainOf(): string {
  const { version } = JSON.parse(
    readFileSync(path.join(root, "node_modules/@langchain/core/package.json"), "utf8"),
  ) as { version: string };
  return `@langchain/core@${version}`;
}

/** Installs and runs in an empty folder; the cache of npm is empty. */
async function measure(
  { page, program }: Way,
  packages: readonly string[],
  project: string,
): Promise<NewcomerResult> {
  const cache = `${project}-cache`;
  mkdirSync(project);
  const start = performance.now();
  await run(project, "npm", "init", "-y");
  await run(project, "npm", "install", "--cache", cache, ...packages);
  const installed = performance.now();
  writeFileSync(path.join(project, "start.mjs"), program);
  await run(project, process.execPath, "start.mjs");
  const end = performance.now();
  rmSync(cache, { recursive: true, force: true });
  return { page, installSeconds: (installed - start) / 1000, runSeconds: (end - installed) / 1000 };
}
