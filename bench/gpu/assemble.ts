// Puts everything that bench:gpu needs into a folder: Node, the packages, the CUDA provider, models and texts. It runs on a Linux
// machine with an NVIDIA GPU that reaches no registry, but has CUDA's and cuDNN's libraries, as PyTorch brings them.
// Usage: pnpm run build && tsx bench/gpu/assemble.ts --out folder [--architecture 90]; needs pip, npm and unzip. Then there: folder/run.sh
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { writeData } from "./data.ts";
import { keepArchitecture } from "./fat-binary.ts";

const { values: options } = parseArgs({
  options: {
    out: { type: "string" },
    /** Compute capability of the GPU, 90 for an H100; all of them if it is left out. */
    architecture: { type: "string" },
  },
});
if (options.out === undefined) throw new Error("Name the folder: --out folder");
const out = path.resolve(options.out);
const app = path.join(out, "app");
const core = fileURLToPath(new URL("../../packages/core/", import.meta.url));
const run = (command: string, args: readonly string[], cwd = out) =>
  execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });

rmSync(out, { recursive: true, force: true });
mkdirSync(path.join(app, "bench"), { recursive: true });
await bundle();
installCore();
addProvider();
await writeData(path.join(out, "data"));
addNode();
writeScript();

/** The measuring, in one file of JavaScript. */
async function bundle(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL("measure.ts", import.meta.url))],
    outfile: path.join(app, "bench/measure.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    external: ["@sparse-encoder/*", "./data.ts"],
  });
  copyFileSync(new URL("reference.py", import.meta.url), path.join(app, "bench/reference.py"));
  mkdirSync(path.join(app, "packages/core"), { recursive: true });
  copyFileSync(path.join(core, "package.json"), path.join(app, "packages/core/package.json"));
}

/** The core package as npm would install it, without what other systems need. */
function installCore(): void {
  const packages = mkdtempSync(path.join(tmpdir(), "sparse-encoder-pack-"));
  run("npx", ["-y", "pnpm@12", "pack", "--pack-destination", packages], core);
  const [archive] = readdirSync(packages);
  writeFileSync(path.join(app, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", path.join(packages, archive!)], app);
  rmSync(packages, { recursive: true });
  const binaries = path.join(app, "node_modules/onnxruntime-node/bin/napi-v6");
  for (const system of readdirSync(binaries)) {
    if (system !== "linux") rmSync(path.join(binaries, system), { recursive: true });
  }
  rmSync(path.join(binaries, "linux/arm64"), { recursive: true, force: true });
  const tokenizers = path.join(app, "node_modules/tokenizers");
  for (const file of run("find", [tokenizers, "-name", "*.node", "-not", "-name", "*linux-x64-gnu*"]).split(
    "\n",
  )) {
    rmSync(file, { force: true });
  }
}

/** The provider of the very version of onnxruntime-node, from the Python package. */
function addProvider(): void {
  const runtime = path.join(app, "node_modules/onnxruntime-node");
  const { version } = JSON.parse(readFileSync(path.join(runtime, "package.json"), "utf8")) as {
    version: string;
  };
  const wheels = mkdtempSync(path.join(tmpdir(), "sparse-encoder-provider-"));
  const platforms = ["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_27_x86_64"];
  run("python3", [
    ...["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.12"],
    ...[...platforms, "--dest", wheels, `onnxruntime-gpu==${version}`],
  ]);
  run("unzip", [
    "-q",
    "-j",
    path.join(wheels, readdirSync(wheels)[0]!),
    "onnxruntime/capi/libonnxruntime_providers_*.so",
    "-d",
    wheels,
  ]);
  const target = path.join(out, "provider");
  mkdirSync(target);
  for (const part of ["cuda", "shared"]) {
    const name = `libonnxruntime_providers_${part}.so`;
    const library = readFileSync(path.join(wheels, name));
    if (part === "cuda" && options.architecture !== undefined) {
      const kept = keepArchitecture(library, Number(options.architecture));
      if (kept === 0) throw new Error(`The provider has no code for architecture ${options.architecture}.`);
    }
    writeFileSync(path.join(target, name), library);
  }
  rmSync(wheels, { recursive: true });
}

function addNode(): void {
  cpSync(process.execPath, path.join(out, "node"));
  run("strip", [path.join(out, "node")]);
}

/** Puts the provider where the runtime looks for it, finds the libraries of CUDA, and measures. */
function writeScript(): void {
  const script = `#!/usr/bin/env bash
# Usage: run.sh [options of measure.ts]; results are in gpu.json beside it unless --out says otherwise.
set -euo pipefail
cd "$(dirname "$0")"
ln -sf "$PWD"/provider/*.so app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/
# PyTorch brings the libraries of CUDA and cuDNN; elsewhere the system's are used.
torch=$(python3 -c "import nvidia; print(list(nvidia.__path__)[0])" 2>/dev/null || true)
if [ -n "$torch" ]; then
  export LD_LIBRARY_PATH=$(find "$torch" -name '*.so*' -printf '%h\\n' | sort -u | tr '\\n' ':')\${LD_LIBRARY_PATH:-}
fi
exec ./node app/bench/measure.mjs --data data --out gpu.json "$@"
`;
  writeFileSync(path.join(out, "run.sh"), script);
  chmodSync(path.join(out, "run.sh"), 0o755);
}
