import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** An install fetches what the caches lack, onnxruntime-node's libraries among it. */
export const installTimeout = 300_000;

/** Runs a command and returns what it prints; its error says what it printed to the error stream. */
export async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd: folder,
    env: {
      ...process.env,
      // The libraries for CUDA come from a host that is often unreachable.
      ONNXRUNTIME_NODE_INSTALL: "skip",
      // What is packed was built before the tests.
      PREPACK_BUILD: "skip",
      // A package manager that started the tests sets it, and packages of this workspace would be found everywhere.
      NODE_PATH: undefined,
    },
    // Commands of npm are scripts on Windows.
    shell: process.platform === "win32",
    maxBuffer: 1 << 26,
  });
  return stdout;
}

const pnpm = (folder: string, ...args: string[]): Promise<string> =>
  run(folder, "npx", "-y", "pnpm@12", ...args);

/** Packs a package of this workspace into a folder; returns the path of the tarball. */
export async function pack(name: string, folder: string): Promise<string> {
  const own = mkdtempSync(path.join(folder, "packed-"));
  await pnpm(path.join(root, "packages", name), "pack", "--pack-destination", own);
  return path.join(own, readdirSync(own)[0]!);
}

/** Makes an empty project in a folder; returns its path. */
export function makeProject(folder: string, name: string): string {
  const project = path.join(folder, name);
  mkdirSync(project);
  writeFileSync(path.join(project, "package.json"), JSON.stringify({ name: "project", private: true }));
  return project;
}

/** Installs packages, tarballs among them, into the project in a folder. */
export const installers = {
  npm: async (project: string, ...packages: string[]): Promise<void> => {
    await run(project, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...packages);
  },
  pnpm: async (project: string, ...packages: string[]): Promise<void> => {
    const builds = ["onnxruntime-node", "tree-sitter"].map((name) => `  ${name}: false\n`).join("");
    writeFileSync(path.join(project, "pnpm-workspace.yaml"), `allowBuilds:\n${builds}`);
    await pnpm(project, "add", "--prefer-offline", ...packages);
  },
};

/** Type-checks files of a project strictly; returns the diagnostics, empty if there are none. */
export async function diagnose(project: string, files: string[], skipLibCheck: boolean): Promise<string> {
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck,
    noEmit: true,
    typeRoots: [path.join(root, "node_modules/@types")],
    types: ["node"],
  };
  writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const compiler = path.join(path.dirname(typescript), "bin/tsc");
  return run(project, process.execPath, compiler, "--pretty", "false").catch(
    (error: { stdout: string }) => error.stdout,
  );
}
