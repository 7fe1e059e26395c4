// Builds the package in the current folder: dist/esm and dist/cjs, each with JavaScript bundled from src/index.ts, and from
// src/testing/index.ts if there is one, and with declarations. Arguments name further ESM-only entries, such as worker files.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { classNames } from "./class-names.mjs";

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
  plugins: [classNames],
  write: false,
};

function write({ outputFiles }) {
  for (const file of outputFiles) {
    mkdirSync(path.dirname(file.path), { recursive: true });
    writeFileSync(file.path, file.contents);
  }
}

rmSync("dist", { recursive: true, force: true });
for (const [format, type] of [
  ["esm", "module"],
  ["cjs", "commonjs"],
]) {
  mkdirSync(folders[format], { recursive: true });
  writeFileSync(`${folders[format]}/package.json`, `${JSON.stringify({ type })}\n`);
}
const esm = await build({
  ...common,
  format: "esm",
  entryPoints: [...entries, ...furtherEntries],
  outbase: "src",
  outdir: folders.esm,
});
write(esm);
const cjs = await build({
  ...common,
  format: "cjs",
  entryPoints: entries,
  outbase: "src",
  outdir: folders.cjs,
  // CommonJS has no import.meta; files of the package are found relative to this URL.
  define: { "import.meta.url": "importMetaUrl" },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});
write(cjs);
for (const folder of Object.values(folders)) {
  execFileSync("tsc", ["-p", "tsconfig.build.json", "--outDir", folder], { stdio: "inherit", shell: true });
}
