import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A folder list of the system, and a name in an example. */
const others = ["LD_LIBRARY_PATH", "KEY"];

/** Ways in which sources name a variable. */
const mentions = [
  /process\.env\.([A-Za-z_]+)/g,
  /variables?\(variables, "([A-Z_]+)"/g,
  /variables\.([A-Z_]+)/g,
  /variable = "([A-Z_]+)"/g,
  /variableOf\("([a-z_]+)"/g,
  /"((?:SPARSE_ENCODER|OPENSEARCH|QDRANT|MILVUS)_[A-Z_]+)"/g,
];

it("docs/deploy.md lists every environment variable that is read", () => {
  const sources = ["core", "langchain", "llamaindex", "cli"].flatMap((name) => {
    const folder = path.join(root, "packages", name, "src");
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => readFileSync(path.join(folder, file), "utf8"));
  });
  const read = sources.flatMap((source) =>
    mentions.flatMap((mention) => [...source.matchAll(mention)].map(([, name]) => name!.toUpperCase())),
  );
  expect(read).toContain("HF_HUB_CACHE");
  const page = readFileSync(path.join(root, "docs/deploy.md"), "utf8");
  const table = page.slice(page.indexOf("## Environment variables"), page.indexOf("### Proxies"));
  const missing = new Set(read.filter((name) => !table.includes(`\`${name}\``) && !others.includes(name)));
  expect([...missing]).toEqual([]);
});
