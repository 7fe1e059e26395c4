import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

async function run(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stderr).toBe("");
  return stdout;
}

/** The code blocks of a page, together, and what its comments say that they print. */
function program(file: string): { code: string; prints: string[] } {
  const page = readFileSync(`${root}${file}`, "utf8");
  const code = Array.from(page.matchAll(/^```js\n([\s\S]*?)^```$/gm), ([, block]) => block!).join("\n");
  const prints = Array.from(code.matchAll(/console\.log\(.*\/\/ (?:prints: )?(.*)$/gm), ([, line]) => line!);
  return { code, prints };
}

describe("the documentation of the LlamaIndex.TS adapter", () => {
  it.each(["docs/llamaindex.md", "packages/llamaindex/README.md"])(
    "%s runs and prints what it says",
    async (file) => {
      const { code, prints } = program(file);
      expect(prints.length).toBeGreaterThan(0);
      const model = JSON.stringify(goldenModelFolder("dense-mean-normalize"));
      const stdout = await run("--input-type=module", "--eval", code.replace('"./all-MiniLM-L6-v2"', model));
      expect(stdout.trim().split("\n")).toEqual(prints);
    },
  );

  it("examples/llamaindex-rag.ts finds, answers and filters", async () => {
    const stdout = await run("--import", "tsx", "examples/llamaindex-rag.ts");
    // Documents that the collection judges relevant to this, its first query.
    expect(stdout).toMatch(/^1\.000 {2}184 {2}scale models for thermo-aeroelastic research/);
    expect(stdout).toContain('A "scale models for thermo-aeroelastic research."');
    expect(stdout).toMatch(/Among short documents: \d+, \d+, \d+/);
  });
});
