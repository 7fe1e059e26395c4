import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, pages, root } from "./code-blocks.ts";
import { pageSetups } from "./page-setups.ts";
import { programFolder, programsOf, runProgram, writePrograms } from "./programs.ts";
import { type RunningServices, startServices } from "./services.ts";

const blocks = pages.flatMap(blocksOf);
const left = blocks.filter(({ notRun }) => notRun !== undefined);
const isProgram = (language: string) => /^[jt]s$/.test(language);
const withPrograms = pages.filter((page) =>
  blocksOf(page).some(({ language, notRun }) => isProgram(language) && notRun === undefined),
);

/** Folder of the hub's files, which programs share. */
const cache = mkdtempSync(path.join(tmpdir(), "pages-cache-"));
let services: RunningServices;
let setups: ReturnType<typeof pageSetups>;

beforeAll(async () => {
  services = await startServices();
  setups = pageSetups(services);
  writePrograms(withPrograms.flatMap((page) => programsOf(page, setups[page])));
});
afterAll(async () => {
  await services[Symbol.asyncDispose]();
  rmSync(cache, { recursive: true, force: true });
});

describe(`the code of ${withPrograms.length} pages`, () => {
  it.each(withPrograms)(
    "%s runs, and gives what its comments say",
    async (page) => {
      const environment = { HF_ENDPOINT: services.hub, HF_HOME: cache, HF_HUB_OFFLINE: undefined };
      for (const program of programsOf(page, setups[page])) {
        const lines = await runProgram(program, environment);
        expect(lines.at(-1), program.name).toBe(`shown ${program.shown}`);
        expectInOrder(lines, program.prints);
      }
    },
    180_000,
  );

  it("type-checks where it is TypeScript", async () => {
    const compilerOptions = {
      target: "es2023",
      lib: ["es2023", "esnext.disposable"],
      module: "nodenext",
      strict: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [path.join(root, "node_modules/@types")],
    };
    const file = path.join(programFolder, "tsconfig.json");
    writeFileSync(file, JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    const compiler = path.join(root, "node_modules/typescript/bin/tsc");
    const run = promisify(execFile)(process.execPath, [compiler, "-p", file, "--pretty", "false"]);
    expect(
      await run.then(
        () => "",
        (error: { stdout: string }) => error.stdout,
      ),
    ).toBe("");
  });
});

/** Each wanted line is printed, in this order; `…` stands for anything. */
function expectInOrder(lines: readonly string[], wanted: readonly string[]): void {
  let from = 0;
  for (const line of wanted) {
    const parts = line.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = new RegExp(`^${parts.join(".*?")}$`);
    const found = lines.findIndex((printed, position) => position >= from && pattern.test(printed));
    expect(found, `${line} among ${JSON.stringify(lines)}`).toBeGreaterThanOrEqual(0);
    from = found + 1;
  }
}

it(`says of ${left.length} of ${blocks.length} blocks why they are not run`, () => {
  // shell-blocks.test.ts runs the commands and the JSON of these pages.
  const shellPages = ["docs/command-line.md", "docs/server.md", "packages/cli/README.md"];
  const kept = blocks.filter(
    ({ page, language, notRun }) =>
      notRun === undefined &&
      !isProgram(language) &&
      !(shellPages.includes(page) && /^(sh|json)$/.test(language)),
  );
  expect(kept.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([]);
});
