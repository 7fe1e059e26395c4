import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../../helpers/package-install.ts";
import { type Cell, checkAnswer, programs } from "./cell.ts";

/** Packages that pin another onnxruntime-node, beside which one version is chosen for all. */
const neighbours = ["fastembed@2.1.0", "@huggingface/transformers@3.8.1"];

const version = "1.30.0";

/** How each package manager lets all packages share one version. */
const managers = {
  npm: {
    manifest: { overrides: { "onnxruntime-node": version } },
    workspace: undefined,
    command: ["npx", "-y", "npm@11.19.1", "install", "--prefer-offline", "--no-audit", "--no-fund"],
  },
  pnpm: {
    manifest: {},
    workspace: `overrides:\n  onnxruntime-node: ${version}\nallowBuilds:\n  onnxruntime-node: false\n  protobufjs: false\n  sharp: false\n`,
    command: ["npx", "-y", "pnpm@12.21.0", "add", "--prefer-offline", "-w"],
  },
} as const;

/** Core beside packages that pin another ONNX Runtime, imported before and after it. */
export function sharedRuntimeCells(folder: string, tarball: string): Cell[] {
  return neighbours.flatMap((neighbour, number) =>
    (["npm", "pnpm"] as const).flatMap((manager): Cell[] => {
      const project = path.join(folder, `shared-${manager}-${number}`);
      let installed: Promise<unknown> | undefined;
      return ["core first", "core second"].map((column) => ({
        table: "Beside packages that pin another ONNX Runtime, with overrides",
        row: `${neighbour}, ${manager}`,
        column,
        run: async () => {
          installed ??= prepare(project, manager, [tarball, neighbour]);
          await installed;
          const other = `await import(${JSON.stringify(neighbour.slice(0, neighbour.lastIndexOf("@")))});\n`;
          // The program's own imports come first in any case; core loads its runtime in `main`.
          const program = programs.esm.replace("main();", "await main();");
          const file =
            column === "core first"
              ? `${program}${other}`
              : program.replace("async function", `${other}async function`);
          writeFileSync(path.join(project, "index.mjs"), `${file}process.exit(0);\n`);
          checkAnswer(await run(project, process.execPath, "index.mjs"));
        },
      }));
    }),
  );
}

async function prepare(
  project: string,
  manager: keyof typeof managers,
  packages: readonly string[],
): Promise<void> {
  const { manifest, workspace, command } = managers[manager];
  mkdirSync(project);
  writeFileSync(
    path.join(project, "package.json"),
    JSON.stringify({ name: "project", private: true, ...manifest }),
  );
  if (workspace !== undefined)
    writeFileSync(path.join(project, "pnpm-workspace.yaml"), `packages: []\n${workspace}`);
  const [first, ...others] = command;
  await run(project, first, ...others, ...packages);
}
