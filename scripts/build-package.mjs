// Builds the package in the current folder: dist/esm and dist/cjs, each with JavaScript bundled from src/index.ts, and from
// src/testing/index.ts if there is one, and with declarations. Arguments name further ESM-only entries, such as worker files.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const furtherEntries = process.argv.slice(2);
const entries = ["src/index.ts", "src/testing/index.ts"].filter((path) => existsSync(path));
const folders = { esm: "dist/esm", cjs: "dist/cjs" };
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
for (const [format, type] of [
  ["esm", "module"],
  ["cjs", "commonjs"],
]) {
  mkdirSync(folders[format], { recursive: true });
  writeFileSync(`${folders[format]}/package.json`, `${JSON.stringify({ type })}\n`);
}
await build({
  ...common,
  format: "esm",
  entryPoints: [...entries, ...furtherEntries],
  outbase: "src",
  outdir: folders.esm,
});
await build({
  ...common,
  format: "cjs",
  entryPoints: entries,
  outbase: "src",
  outdir: folders.cjs,
  // CommonJS has no import.meta; files of the package are found relative to this URL.
  define: { "import.meta.url": "importMetaUrl" },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});
for (const folder of Object.values(folders)) {
  execFileSync("tsc", ["-p", "tsconfig.build.json", "--outDir", folder], { stdio: "inherit", shell: true });
}
