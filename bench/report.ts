import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const core = new URL("../packages/core/package.json", import.meta.url);

/** What the figures of a bench depend on, beside the code. */
export function environment(): Record<string, string | number> {
  const resolve = createRequire(core).resolve;
  const version = (name: string) => {
    // A package may hide its package.json; its folder in the store names the version.
    const path = resolve(name).replaceAll("\\", "/");
    const root = path.slice(0, path.lastIndexOf(`/node_modules/${name}/`) + `/node_modules/${name}/`.length);
    return (JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { version: string }).version;
  };
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    instructions: vectorInstructions(),
    cores: availableParallelism(),
    "memory, GB": Math.round(totalmem() / 1e9),
    system: `${platform()} ${arch()}`,
    node: process.version,
    "onnxruntime-node": version("onnxruntime-node"),
    tokenizers: version("tokenizers"),
    commit: commit(),
  };
}

/** Writes `bench/results/<name>.json`: the environment and the figures. */
export function writeReport(name: string, figures: unknown): void {
  const folder = new URL("./results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const report = { environment: environment(), figures };
  writeFileSync(fileURLToPath(new URL(`${name}.json`, folder)), `${JSON.stringify(report, undefined, 2)}\n`);
}

/** The widest of the instruction sets that decide how fast integers and floats are multiplied. Linux only. */
function vectorInstructions(): string {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" ") ?? [];
    const known = ["amx_int8", "avx512_vnni", "avx_vnni", "avx512f", "avx2"].filter((name) =>
      flags.includes(name),
    );
    return known.join(", ") || "unknown";
  } catch {
    return "unknown";
  }
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
