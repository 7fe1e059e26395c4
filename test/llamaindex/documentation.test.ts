import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

async function run(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stderr).toBe("");
  return stdout;
}

// test/docs/code-blocks.test.ts runs the code of the page.
describe("the documentation of the LlamaIndex.TS adapter", () => {
  it("examples/llamaindex-rag.ts finds, answers and filters", async () => {
    const stdout = await run("--import", "tsx", "examples/llamaindex-rag.ts");
    // Documents that the collection judges relevant to this, its first query.
    expect(stdout).toMatch(/^1\.000 {2}184 {2}scale models for thermo-aeroelastic research/);
    expect(stdout).toContain('A "scale models for thermo-aeroelastic research."');
    expect(stdout).toMatch(/Among short documents: \d+, \d+, \d+/);
  });
});
