import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import { SparseVector } from "@sparse-encoder/core";
import { describe, expect, it } from "vitest";

const require = createRequire(import.meta.url);

/** Every entry that a package exports, as users name it. */
const entries = ["core", "langchain", "llamaindex"].flatMap((name) => {
  const file = new URL(`../../packages/${name}/package.json`, import.meta.url);
  const { exports } = JSON.parse(readFileSync(file, "utf8")) as { exports: Record<string, unknown> };
  const paths = Object.keys(exports).filter((path) => !path.endsWith(".json"));
  return paths.map((path) => `@sparse-encoder/${name}${path.slice(1)}`);
});

const isClass = (value: unknown) => typeof value === "function" && /^class\b/.test(String(value));

describe.each(entries)("%s", (entry) => {
  it.each([
    ["ESM", (): Promise<Record<string, unknown>> => import(entry)],
    ["CommonJS", async () => require(entry) as Record<string, unknown>],
  ])("names each class as it exports it (%s)", async (_, load) => {
    const classes = Object.entries(await load()).filter(([, value]) => isClass(value));
    const names = classes.map(([, value]) => (value as { name: string }).name);
    expect(names).toEqual(classes.map(([name]) => name));
  });
});

it("a vector is printed with the name of its class", () => {
  expect(inspect(new SparseVector([1], [2], 3))).toMatch(/^SparseVector\b/);
});
