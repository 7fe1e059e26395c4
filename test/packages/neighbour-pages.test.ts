import { expect, it } from "vitest";
import { root, run } from "../helpers/package-install.ts";
import { neighbourLines } from "./neighbour-lines.ts";

it.each(["from-sentence-transformers.md", "from-fastembed.md", "from-ensemble-retriever.md"])(
  "every line of %s runs",
  async (page) => {
    const lines = neighbourLines(page);
    expect(lines.length).toBeGreaterThan(7);
    // The program starts in the root of the workspace, where all packages can be imported.
    const program = [...lines, 'console.log("all lines ran")'].join(";\n");
    const printed = await run(root, process.execPath, "--input-type=module", "--eval", program);
    expect(printed.trim()).toBe("all lines ran");
  },
  60_000,
);
