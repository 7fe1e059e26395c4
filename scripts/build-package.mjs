// Builds the package in the current folder: dist/esm and dist/cjs, each with JavaScript bundled from
// src/index.ts and with declarations. Extra arguments name further ESM-only entries under src.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const workerEntries = process.argv.slice(2);
const common = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  packages: "external",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
};

rmSync("dist", { recursive: true, force: true });
for (const [folder, type] of [
  ["dist/esm", "module"],
  ["dist/cjs", "commonjs"],
]) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, `${JSON.stringify({ type })}\n`);
  execFileSync("tsc", ["-p", "tsconfig.build.json", "--outDir", folder], { stdio: "inherit", shell: true });
}
await build({
  ...common,
  format: "esm",
  entryPoints: ["src/index.ts", ...workerEntries],
  outbase: "src",
  outdir: "dist/esm",
});
await build({
  ...common,
  format: "cjs",
  entryPoints: ["src/index.ts"],
  outdir: "dist/cjs",
  // CommonJS has no import.meta; files of the package are found relative to this URL.
  define: { "import.meta.url": "importMetaUrl" },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});
