import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { root } from "../helpers/package-install.ts";

it.each(["core", "langchain", "llamaindex", "cli"])("the source maps of %s hold their sources", (name) => {
  const folder = path.join(root, "packages", name, "dist");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".js.map"),
  );
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    const map = JSON.parse(readFileSync(path.join(folder, file), "utf8")) as {
      sources: string[];
      sourcesContent?: (string | null)[];
    };
    // What the package does not hold cannot be read beside the map.
    const absent = map.sources.filter((_, position) => typeof map.sourcesContent?.[position] !== "string");
    expect(absent, file).toEqual([]);
  }
});
