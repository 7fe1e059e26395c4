// Builds the package in the current folder: JavaScript and declarations in dist/esm, and the same for CommonJS in dist/cjs.
//
// Every sub-path that package.json exports has an entry file: dist/esm/x/y.js is built from src/x/y.ts. What several
// entries hold is in chunks that they share, so a class exists once, whichever entry it is imported from. esbuild makes such
// chunks of ES modules only; the CommonJS files are these chunks, translated one by one.
//
// Arguments name files that run on their own, such as the entry of worker threads: one file each, as ES modules only.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { restoreClassNames } from "./class-names.mjs";

const independentFiles = process.argv.slice(2);
const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const entryPoints = Object.values(exports)
  .filter((formats) => typeof formats === "object")
  .map((formats) => formats.import.default.replace("./dist/esm/", "src/").replace(/\.js$/, ".ts"));
const folders = { esm: "dist/esm", cjs: "dist/cjs" };
const common = {
  platform: "node",
  target: "node20.19",
  sourcemap: true,
  logLevel: "warning",
  metafile: true,
};
const bundled = {
  ...common,
  bundle: true,
  format: "esm",
  packages: "external",
  outbase: "src",
  outdir: folders.esm,
};

/** The scripts that a build wrote. */
const scriptsOf = ({ metafile }) => Object.keys(metafile.outputs).filter((file) => file.endsWith(".js"));

rmSync("dist", { recursive: true, force: true });
for (const [format, type] of [
  ["esm", "module"],
  ["cjs", "commonjs"],
]) {
  mkdirSync(folders[format], { recursive: true });
  writeFileSync(`${folders[format]}/package.json`, `${JSON.stringify({ type })}\n`);
}
const modules = scriptsOf(await build({ ...bundled, entryPoints, splitting: true }));
const translated = await build({
  ...common,
  format: "cjs",
  entryPoints: modules,
  outbase: folders.esm,
  outdir: folders.cjs,
  // CommonJS has no import.meta.
  define: { "import.meta.url": "importMetaUrl", "import.meta.dirname": "__dirname" },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});
const independent = await build({ ...bundled, entryPoints: independentFiles });
for (const file of [...modules, ...scriptsOf(translated), ...scriptsOf(independent)])
  writeFileSync(file, restoreClassNames(readFileSync(file, "utf8")));
for (const folder of Object.values(folders)) {
  execFileSync("tsc", ["-p", "tsconfig.build.json", "--outDir", folder], { stdio: "inherit", shell: true });
}
