import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../../helpers/package-install.ts";
import type { Cell } from "./cell.ts";

const versions = ["5.0.4", "5.4.5", "5.7.3", "5.9.3", "6.0.3", "7.0.2"];

/** Settings of `module` and `moduleResolution`, and the file that is compiled with them. */
const settings = [
  ["node16", "node16", "index.mts"],
  ["node16", "node16", "index.cts"],
  ["nodenext", "nodenext", "index.mts"],
  ["nodenext", "nodenext", "index.cts"],
  ["esnext", "bundler", "index.mts"],
] as const;

const names = `InvertedIndex, MemoryStore, SparseEncoder, SparseEncoderError`;
const use = (core: string, stores: string, evaluation: string) => `
async function use(): Promise<number> {
  const encoder = await ${core}SparseEncoder.load();
  const vector = await encoder.encode("text");
  const index = new ${core}InvertedIndex(encoder.embeddingDimension);
  const store = ${core}MemoryStore;
  const other = ${stores}QdrantStore;
  const evaluator = ${evaluation}TripletEvaluator;
  await encoder.close();
  return index.search(vector, { topK: 1 }).length + store.length + other.length + evaluator.length;
}
use().catch((error: unknown) => ${core}SparseEncoderError.is(error, "MODEL_NOT_FOUND"));
`;
const sources = {
  "index.mts": `import { ${names} } from "@sparse-encoder/core";
import { TripletEvaluator } from "@sparse-encoder/core/evaluation";
import { QdrantStore } from "@sparse-encoder/core/stores";
${use("", "", "")}`,
  "index.cts": `import core = require("@sparse-encoder/core");
import evaluation = require("@sparse-encoder/core/evaluation");
import stores = require("@sparse-encoder/core/stores");
${use("core.", "stores.", "evaluation.")}`,
};

/** The declarations of core, checked strictly and wholly (`skipLibCheck: false`) by each TypeScript. */
export function compilerCells(project: string): Cell[] {
  return versions.flatMap((version) =>
    settings.map(
      ([module, moduleResolution, file]): Cell => ({
        table: "TypeScript, strict, skipLibCheck false",
        row: `typescript@${version}`,
        column: `${moduleResolution}, ${file.slice(6)}`,
        run: async () => {
          const folder = path.join(project, `typescript-${version}-${moduleResolution}-${file.slice(6)}`);
          mkdirSync(folder);
          const compilerOptions = {
            target: "es2022",
            lib: ["es2022", "esnext.disposable"].slice(0, version < "5.2" ? 1 : 2),
            module,
            moduleResolution,
            strict: true,
            skipLibCheck: false,
            noEmit: true,
            types: ["node"],
          };
          writeFileSync(
            path.join(folder, "tsconfig.json"),
            JSON.stringify({ compilerOptions, files: [file] }),
          );
          writeFileSync(path.join(folder, file), sources[file]);
          const command = ["-y", "-p", `typescript@${version}`, "tsc", "--pretty", "false"];
          await run(folder, "npx", ...command).catch((error: { stdout?: string }) => {
            throw new Error(error.stdout?.split("\n")[0] ?? String(error));
          });
        },
      }),
    ),
  );
}
