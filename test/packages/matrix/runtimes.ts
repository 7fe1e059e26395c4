import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../../helpers/package-install.ts";
import { type Cell, checkAnswer, programs } from "./cell.ts";

/** Packages of the registry that hold a runtime, and how it starts a file. */
const runtimes: readonly (readonly [name: string, ...start: string[]])[] = [
  ...["20.19.0", "20.20.2", "22.23.3", "24.21.0", "26.10.0"].map(
    (version) => [`node@${version}`, "node"] as const,
  ),
  ["bun@1.4.5", "bun"],
  ["deno@2.9.6", "deno", "run", "-A"],
];

/** Core, as npm installs it, in each runtime, as ESM and as CommonJS. */
export function runtimeCells(project: string): Cell[] {
  return runtimes.flatMap(([name, ...start]) =>
    (["esm", "cjs"] as const).map(
      (format): Cell => ({
        table: "Runtimes",
        row: name,
        column: format === "esm" ? "ESM" : "CommonJS",
        run: async () => {
          const folder = path.join(project, "runtimes");
          mkdirSync(folder, { recursive: true });
          const file = path.join(folder, format === "esm" ? "index.mjs" : "index.cjs");
          writeFileSync(file, programs[format]);
          checkAnswer(await run(folder, "npx", "-y", "-p", name, ...start, file));
        },
      }),
    ),
  );
}
