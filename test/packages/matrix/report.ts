import { platform, release } from "node:os";
import type { CellResult } from "./cell.ts";

/** Results of one run of the matrix, as they are kept in test/packages/compatibility.json. */
export interface Compatibility {
  readonly system: string;
  /** Day of the run, as 2026-01-31. */
  readonly date: string;
  readonly results: readonly CellResult[];
}

/** The machine that a run is made on. */
export function describeSystem(): string {
  return `${platform()} ${process.arch}, kernel ${release()}, npm's default Node.js ${process.version}`;
}

/** docs/compatibility.md: one table for each heading, in the order of the results. */
export function toMarkdown({ system, date, results }: Compatibility): string {
  const tables = [...new Set(results.map((result) => result.table))];
  return [
    "# Compatibility\n",
    "Every cell was run: the packed `@sparse-encoder/core` encodes a text with the embedded model, and its weights are compared with",
    "what sentence-transformers computes. TypeScript checks a strict program. `pnpm test:packages` runs all of it and writes this page.\n",
    `Machine: ${system}. Day: ${date}. Windows and macOS: the workflow \`.github/workflows/test.yml\` is there, but was not run yet.\n`,
    ...tables.map((table) =>
      tableOf(
        table,
        results.filter((result) => result.table === table),
      ),
    ),
    "Known limits: npm up to 11, yarn 1 and pnpm 9 run the install script of onnxruntime-node, which needs api.nuget.org on Linux x64;",
    "these cells were run with `ONNXRUNTIME_NODE_INSTALL=skip`. [deploy.md](deploy.md) has switches that last, and configurations of",
    "each bundler and platform.\n",
  ].join("\n");
}

function tableOf(table: string, results: readonly CellResult[]): string {
  const columns = [...new Set(results.map((result) => result.column))];
  const rows = [...new Set(results.map((result) => result.row))];
  const lines = rows.map((row) => {
    const cells = columns.map((column) => {
      const result = results.find((candidate) => candidate.row === row && candidate.column === column);
      if (result === undefined) return "";
      return result.problem === undefined ? "yes" : `no: ${result.problem.replaceAll("|", "\\|")}`;
    });
    return `| ${[row, ...cells].join(" | ")} |`;
  });
  const head = `| ${[" ", ...columns].join(" | ")} |\n| ${["-", ...columns.map(() => "-")].join(" | ")} |`;
  return `## ${table}\n\n${head}\n${lines.join("\n")}\n`;
}
