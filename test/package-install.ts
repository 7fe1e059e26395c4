import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../", import.meta.url));

/** An install fetches what the caches lack, onnxruntime-node's libraries among it. */
export const installTimeout = 300_000;

/** Runs a command and returns what it prints; its error says what it printed to the error stream. */
export async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd: folder,
    // The libraries for CUDA come from a host that is often unreachable.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
    // Commands of npm are scripts on Windows.
    shell: process.platform === "win32",
    maxBuffer: 1 << 26,
  });
  return stdout;
}

export const pnpm = (folder: string, ...args: string[]): Promise<string> =>
  run(folder, "npx", "-y", "pnpm@12", ...args);

/** Installs packages, tarballs among them, into the project in a folder. */
export const installers = {
  npm: async (project: string, ...packages: string[]): Promise<void> => {
    await run(project, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...packages);
  },
  pnpm: async (project: string, ...packages: string[]): Promise<void> => {
    writeFileSync(path.join(project, "pnpm-workspace.yaml"), "allowBuilds:\n  onnxruntime-node: false\n");
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
