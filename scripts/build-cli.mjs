// Builds packages/cli in the current folder: dist/main.js with the code of each command in a file of its own, so that `--help`
// loads none of them, dist/file-worker.js which reads files in a thread, and dist/page with the page that `serve` gives to browsers.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, rmSync } from "node:fs";
import { build } from "esbuild";

const compileTypes = (config) => execFileSync("tsc", ["-p", config], { stdio: "inherit", shell: true });

rmSync("dist", { recursive: true, force: true });
await build({
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  packages: "external",
  sourcemap: true,
  logLevel: "warning",
  entryPoints: { main: "src/main.ts", "file-worker": "src/folder/file-worker.ts" },
  outdir: "dist",
  banner: { js: "#!/usr/bin/env node" },
});
chmodSync("dist/main.js", 0o755);
if (existsSync("page/main.ts")) {
  compileTypes("page/tsconfig.json");
  await build({
    bundle: true,
    minify: true,
    platform: "browser",
    target: "es2022",
    format: "esm",
    logLevel: "warning",
    entryPoints: ["page/main.ts", "page/page.css"],
    outdir: "dist/page",
  });
  for (const file of ["index.html", "icon.svg"]) cpSync(`page/${file}`, `dist/page/${file}`);
}
