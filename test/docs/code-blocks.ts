import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced block of a page. */
export interface CodeBlock {
  readonly page: string;
  /** Line of its fence in the page, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** Why no test runs it, from the comment `<!-- not run: reason -->` before it; undefined for a block that runs. */
  readonly notRun: string | undefined;
}

/** Every page of the documentation, as paths in the repository. What TypeDoc writes is not among them. */
export const pages: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "site/README.md",
  ...readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .map((file) => `docs/${file.split(path.sep).join("/")}`)
    .filter((file) => file.endsWith(".md") && !file.startsWith("docs/reference/")),
  ...readdirSync(path.join(root, "packages")).map((name) => `packages/${name}/README.md`),
].filter((file) => existsSync(path.join(root, file)));

/** The blocks of a page in their order. Blocks without a language are drawings and what a command prints. */
export function blocksOf(page: string): CodeBlock[] {
  const text = readFileSync(path.join(root, page), "utf8");
  const fence = /(?:^ *<!-- not run: (.+?) -->\n\n?)?^( *)```([a-z]+)\n([\s\S]*?)^\2```$/gm;
  return Array.from(
    text.matchAll(fence),
    ({ 0: whole, 1: notRun, 2: indent, 3: language, 4: code, index }) => ({
      page,
      line: text.slice(0, index + whole.indexOf("```")).split("\n").length,
      language: language!,
      code: code!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      notRun,
    }),
  );
}
