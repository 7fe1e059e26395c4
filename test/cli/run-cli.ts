import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The built command. */
export const binary = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

/** What a run of the command left. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  /** Standard input; empty if there is none. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** File descriptor that standard output goes to, in place of a pipe. */
  readonly stdout?: number;
}

/** Starts the built command. */
export function startCli(parameters: readonly string[], { cwd, env, stdout }: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [binary, ...parameters], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["pipe", stdout ?? "pipe", "pipe"],
  });
}

/** Runs the built command to its end. */
export async function runCli(parameters: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(parameters, options);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  // A command that refuses its arguments ends before it reads.
  child.stdin!.on("error", () => {});
  child.stdin!.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...output };
}

/** A folder for the files of a test, removed by `Symbol.dispose`. */
export function temporaryFolder(): Disposable & { readonly path: string; file(name: string): string } {
  const folder = mkdtempSync(path.join(tmpdir(), "cli-"));
  return {
    path: folder,
    file: (name) => path.join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
