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

describe("docs/langchain.md", () => {
  it("holds code that runs, and gives what its comments say", async () => {
    const code = snippets(page, "ts");
    expect(code.length).toBeGreaterThan(10);
    let shown = 0;
    // A statement that ends with `; // => value` shows what it gives.
    const checked = code
      .join("\n")
      .replace(
        /^(const \w+ = )?(.+); \/\/ => (.+)$/gm,
        (_, assigned: string | undefined, expression, value) => {
          shown++;
          const name = `shown${shown}`;
          return `const ${name} = ${expression};${assigned === undefined ? "" : `${assigned}${name};`} expect(${name}).toEqual(${value});`;
        },
      );
    expect(shown).toBeGreaterThanOrEqual(12);
    await runCode(checked, {
      packages: { core, langchain },
      expect,
      denseModel: "examples/models/all-minilm-l6-v2",
    });
    expect.assertions(shown + 2);
  });

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
