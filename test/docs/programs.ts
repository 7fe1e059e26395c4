import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { blocksOf, root } from "./code-blocks.ts";
import type { BlockSetup, PageSetup } from "./page-setups.ts";

/** Programs lie in the workspace, so that they find its packages. Git ignores the folder. */
export const programFolder = path.join(root, "test/docs/.programs");

/** What a page runs as one program. */
export interface Program {
  /** The page, and the line of the block where each block is a program. */
  readonly name: string;
  readonly file: string;
  readonly source: string;
  /** Values that comments of the page show. */
  readonly shown: number;
  /** Lines that the page says it prints, among others; `…` stands for further digits. */
  readonly prints: readonly string[];
}

/** The programs of a page: one of all its blocks, or one per block. */
export function programsOf(page: string, setup: PageSetup = {}): Program[] {
  const blocks = blocksOf(page).filter(
    ({ language, notRun }) => /^[jt]s$/.test(language) && notRun === undefined,
  );
  if (blocks.length === 0) return [];
  const { each } = setup;
  if (each === undefined) {
    const code = blocks.map((block) => block.code).join("\n");
    return [makeProgram(page, blocks[0]!.language, code, setup)];
  }
  if (each.length !== blocks.length) {
    throw new Error(`${page} has ${blocks.length} blocks to run, and page-setups.ts ${each.length} entries.`);
  }
  return blocks.map(({ code, line, language }, position) =>
    makeProgram(`${page}:${line}`, language, code, each[position]!),
  );
}

function makeProgram(name: string, language: string, code: string, setup: BlockSetup): Program {
  const { before = "", after = "", replace = [] } = setup;
  const replaced = replace.reduce((text, [from, to]) => {
    if (!text.includes(from))
      throw new Error(`${name} does not have '${from}', which page-setups.ts replaces.`);
    return text.replaceAll(from, to);
  }, code);
  let shown = 0;
  // A statement that ends with `; // => value` shows what it gives.
  const checked = replaced.replace(
    /^( *)((?:const|let) \S+ = )?(.+); \/\/ => (.+)$/gm,
    (_, indent: string, declaration: string | undefined, expression: string, value: string) => {
      shown++;
      return `${indent}${declaration ?? ""}__show(${expression}, ${value}, ${JSON.stringify(value)});`;
    },
  );
  const prints = Array.from(
    replaced.matchAll(/console\.log\(.*\/\/ (?:prints: )?(.*)$/gm),
    ([, line]) => line!,
  );
  const source = `import { __end, __show } from "../shown-values.ts";\n${before}\n${checked}\n${after}\nvoid __show;\n__end();\n`;
  const file = path.join(programFolder, `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.${language}`);
  return { name, file, source, shown, prints };
}

/** Writes the sources of programs, for the type checker and for `runProgram`. */
export function writePrograms(programs: readonly Program[]): void {
  rmSync(programFolder, { recursive: true, force: true });
  mkdirSync(programFolder, { recursive: true });
  for (const { file, source } of programs) writeFileSync(file, source);
}

/** Runs a program in an empty folder and returns the lines that it prints. */
export async function runProgram(program: Program, env: NodeJS.ProcessEnv): Promise<string[]> {
  const outfile = program.file.replace(/\.[jt]s$/, ".mjs");
  await build({
    entryPoints: [program.file],
    outfile,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20.19",
    logLevel: "silent",
  });
  const cwd = mkdtempSync(path.join(tmpdir(), "page-"));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [outfile], {
      cwd,
      env: { ...process.env, ...env },
    });
    return stdout.trimEnd().split("\n");
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
