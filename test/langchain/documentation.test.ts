import { readFileSync } from "node:fs";
import * as core from "@sparse-encoder/core";
import * as langchain from "@sparse-encoder/langchain";
import { describe, expect, it } from "vitest";

const page = readFileSync(new URL("../../docs/langchain.md", import.meta.url), "utf8");
const readme = readFileSync(new URL("../../packages/langchain/README.md", import.meta.url), "utf8");
const snippets = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, code]) => code!);

/** The imports of code, as constants of one object. */
function withoutImports(code: string): string {
  return code.replace(
    /^import \{([^}]*)\} from "@sparse-encoder\/(core|langchain)";$/gm,
    "const {$1} = packages.$2;",
  );
}

async function runCode(code: string, names: Record<string, unknown>): Promise<void> {
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction(...Object.keys(names), withoutImports(code))(...Object.values(names));
}

// test/docs/code-blocks.test.ts runs the code of the page.
describe("docs/langchain.md", () => {
  it("names every class and function that the package exports", () => {
    for (const name of Object.keys(langchain)) {
      if (name === "retrievalEventName") expect(page).toContain(langchain.retrievalEventName);
      else if (name !== "CoreVectorStore") expect(page).toContain(`\`${name}\``);
    }
  });
});

it("the README of the package holds code that runs", async () => {
  const printed: unknown[] = [];
  const [code] = snippets(readme, "js");
  await runCode(code!, {
    packages: { core, langchain },
    console: { log: (value: unknown) => printed.push(value) },
  });
  expect(printed).toEqual([[expect.objectContaining({ pageContent: "The weather is lovely today." })]]);
});
