import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../helpers/package-install.ts";
import { type Cell, checkAnswer, programs, text } from "./cell.ts";

/** What a folder of test/packages/bundlers says in its `bundle.json`. */
interface Bundle {
  /** Packages to install, with versions. */
  readonly packages: readonly string[];
  /** True: core and the adapters are installed in the bundler's own folder too, since it looks nowhere else. */
  readonly ownCore?: boolean;
  /** Ways to use it, by name: commands that build, and then a file to run or a server to ask. */
  readonly ways: Readonly<Record<string, BundleWay>>;
}

interface BundleWay {
  readonly build: readonly (readonly string[])[];
  /** File to run with node. */
  readonly file?: string;
  /** Command that serves `/api/search` on the port of the environment variable PORT. */
  readonly serve?: readonly string[];
  /** Folder that is copied away, without anything beside it, before it is run. */
  readonly moved?: string;
  /** Files that take the place of others before the build, such as a configuration. */
  readonly rename?: Readonly<Record<string, string>>;
}

const source = fileURLToPath(new URL("../bundlers/", import.meta.url));

/**
 * Each bundler, in each way that docs/deploy.md shows.
 * @param own what to install in the folders of bundlers that look for packages nowhere else
 */
export function bundlerCells(project: string, away: string, own: readonly string[]): Cell[] {
  return readdirSync(source).flatMap((name) => {
    const bundle = JSON.parse(readFileSync(path.join(source, name, "bundle.json"), "utf8")) as Bundle;
    const { packages, ways, ownCore } = bundle;
    const folder = path.join(project, name);
    let installed: Promise<unknown> | undefined;
    return Object.entries(ways).map(
      ([way, details]): Cell => ({
        table: "Bundlers",
        row: `${packages[0]}, ${way}`,
        column: "runs",
        run: async () => {
          installed ??= prepare(name, folder, [...packages, ...(ownCore === true ? own : [])]);
          await installed;
          await tryWay(folder, path.join(away, `${name}-${way.replaceAll(/\W+/g, "-")}`), details);
        },
      }),
    );
  });
}

async function prepare(name: string, folder: string, packages: readonly string[]): Promise<void> {
  cpSync(path.join(source, name), folder, { recursive: true });
  writeFileSync(path.join(folder, "index.mjs"), programs.esm);
  const modelText = `export const text = ${JSON.stringify(text)};\n`;
  writeFileSync(path.join(folder, "text.mjs"), modelText);
  if (!existsSync(path.join(folder, "package.json")))
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name, private: true }));
  await run(folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", ...packages);
}

async function tryWay(folder: string, away: string, way: BundleWay): Promise<void> {
  for (const [from, to] of Object.entries(way.rename ?? {}))
    cpSync(path.join(folder, from), path.join(folder, to));
  for (const [command, ...args] of way.build) await run(folder, command!, ...args);
  let where = folder;
  if (way.moved !== undefined) {
    cpSync(path.join(folder, way.moved), away, { recursive: true, verbatimSymlinks: true });
    where = away;
  }
  if (way.file !== undefined) checkAnswer(await run(where, process.execPath, way.file));
  if (way.serve !== undefined) checkAnswer(await askServer(where, way.serve));
}

async function askServer(folder: string, [command, ...args]: readonly string[]): Promise<string> {
  const port = await freePort();
  const server = spawn(command!, args, {
    cwd: folder,
    env: {
      ...process.env,
      PORT: String(port),
      HOSTNAME: "127.0.0.1",
      NEXT_TELEMETRY_DISABLED: "1",
      NODE_PATH: undefined,
    },
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
  try {
    for (let tries = 0; tries < 120; tries++) {
      const answer = await fetch(`http://127.0.0.1:${port}/api/search`).catch(() => undefined);
      if (answer?.ok === true) return await answer.text();
      if (answer !== undefined || server.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error(log.split("\n").find((line) => /error/i.test(line)) ?? log.slice(-300));
  } finally {
    // A server starts processes of its own.
    if (process.platform === "win32" || server.exitCode !== null) server.kill();
    else process.kill(-server.pid!, "SIGKILL");
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
