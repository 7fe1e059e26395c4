import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { root, run } from "../helpers/package-install.ts";

/** The code of the last column of the table of a page, row by row. */
function linesOf(page: string): string[] {
  const text = readFileSync(path.join(root, "docs", page), "utf8");
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2);
  return rows.map((row) => /`([^`]+)` *\|$/.exec(row)![1]!);
}

it.each(["from-sentence-transformers.md", "from-fastembed.md", "from-ensemble-retriever.md"])(
  "every line of %s runs",
  async (page) => {
    const lines = linesOf(page);
    expect(lines.length).toBeGreaterThan(7);
    // The program starts in the root of the workspace, where all packages can be imported.
    const program = [...lines, 'console.log("all lines ran")'].join(";\n");
    const printed = await run(root, process.execPath, "--input-type=module", "--eval", program);
    expect(printed.trim()).toBe("all lines ran");
  },
  60_000,
);
