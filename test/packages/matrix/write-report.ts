import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, run } from "../../helpers/package-install.ts";
import { newcomerSection } from "../newcomer/newcomer-result.ts";
import { type Compatibility, toMarkdown } from "./report.ts";

/** Where the results of the matrix are kept. */
export const resultFile = path.join(root, "test/packages/compatibility.json");

const page = path.join(root, "docs/compatibility.md");

/** Writes docs/compatibility.md from the results that are kept. */
export async function writeReport(): Promise<void> {
  const compatibility = JSON.parse(readFileSync(resultFile, "utf8")) as Compatibility;
  writeFileSync(page, `${toMarkdown(compatibility)}\n${newcomerSection()}`);
  await run(root, "npx", "biome", "format", "--write", page);
}
