import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** What of the packages a program has loaded, at once and after it used BM25. */
const report = `
  const { createRequire } = await import("node:module");
  const { cache } = createRequire(process.cwd() + "/");
  const loaded = () => ["snowball-stemmers", "stopword"].filter((name) => Object.keys(cache).some((file) => file.includes(name)));
  const before = loaded();
  await new core.Bm25Encoder({ language: "de" }).encodeDocument("Häuser");
  console.log(JSON.stringify([before, loaded()]));
`;

function run(type: "module" | "commonjs", load: string): unknown {
  const script = `${load}; (async () => {${report}})();`;
  return JSON.parse(
    execFileSync(process.execPath, [`--input-type=${type}`, "-e", script], { encoding: "utf8" }),
  );
}

describe("the word lists of BM25", () => {
  it.each([
    ["module", 'import * as core from "@sparse-encoder/core"'],
    ["commonjs", 'const core = require("@sparse-encoder/core")'],
  ] as const)("are loaded at the first use, not with the library (%s)", (type, load) => {
    expect(run(type, load)).toEqual([[], ["snowball-stemmers", "stopword"]]);
  });
});
