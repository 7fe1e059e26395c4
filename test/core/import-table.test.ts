import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkImports, readImports } from "./import-table.ts";

const folder = fileURLToPath(new URL("../../packages/core/src/", import.meta.url));

function readSources(): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => path.replaceAll("\\", "/"));
  return new Map(paths.map((path) => [path, readFileSync(`${folder}${path}`, "utf8")]));
}

describe("imports of the source", () => {
  const sources = readSources();

  it("follow the table", () => {
    expect(sources.size).toBeGreaterThan(50);
    expect(checkImports(sources)).toEqual([]);
  });

  it("are all read: as many as lines that name a module", () => {
    for (const [path, source] of sources) {
      const lines = source
        .split("\n")
        .filter((line) => /^(\} from |import .* from |export .* from )"/.test(line));
      const named = readImports(source).filter(({ specifier }) => specifier !== undefined);
      expect(named.length, path).toBeGreaterThanOrEqual(lines.length);
    }
  });

  it.each([
    ["vector/sparse-vector.ts", `import { readModelFolder } from "../model/index.ts";`],
    ["model/tokenizer.ts", `import type { SparseVector } from "../vector/index.ts";`],
    ["index/segment.ts", `export { planBatches } from "../runtime/index.ts";`],
    ["errors.ts", `import { SparseVector } from "./vector/index.ts";`],
    ["runtime/worker.ts", `const graph = await import("../graph/index.ts");`],
  ])("fail when %s gets a forbidden one", (path, statement) => {
    const changed = new Map(sources).set(path, `${sources.get(path)}\n${statement}\n`);
    expect(checkImports(changed)).toHaveLength(1);
    expect(checkImports(changed)[0]).toContain(path);
  });
});

describe("checkImports", () => {
  const problems = (path: string, source: string) => checkImports(new Map([[path, source]]));

  it.each([
    ["vector/a.ts", `import { received } from "../errors.ts";`],
    ["vector/a.ts", `import { SparseVector } from "./sparse-vector.ts";`],
    ["vector/a.ts", `import { inspect } from "node:util";`],
    ["runtime/a.ts", `import * as ort from "onnxruntime-node";`],
    ["encoder/a.ts", `import { planBatches } from "../runtime/index.ts";`],
    ["stores/a.ts", `import { InvertedIndex } from "../index/index.ts";`],
    ["stores/postgres/a.ts", `import { SparseVector } from "../../vector/index.ts";`],
    ["retrieval/a.ts", `import type { SparseEncoder } from "../encoder/index.ts";`],
    ["evaluation/a.ts", `import { type SparseEncoder, type Hit } from "../encoder/index.ts";`],
    ["testing/a.ts", `import type * as stores from "../stores/index.ts";`],
    ["testing/a.ts", `export type {\n  Store,\n  StoreHit,\n} from "../stores/index.ts";`],
    ["index.ts", `export { SparseEncoder } from "./encoder/index.ts";`],
    ["vector/a.ts", `// import { x } from "../model/index.ts";`],
    ["vector/a.ts", `/*\nimport { x } from "../model/index.ts";\n*/`],
    ["vector/a.ts", `/**\n * @example\n * import { SparseVector } from "@sparse-encoder/core";\n */`],
    ["vector/a.ts", `const start = import.meta.url;`],
  ])("lets %s have %s", (path, source) => {
    expect(problems(path, source)).toEqual([]);
  });

  it.each([
    ["vector/a.ts", `import x from "../index/index.ts";`, "does not let vector"],
    ["vector/a.ts", `import "../model/index.ts";`, "does not let vector"],
    ["vector/a.ts", `import {\n  a,\n  b,\n} from "../model/index.ts";`, "does not let vector"],
    ["vector/a.ts", `import { type A, b } from '../model/index.ts';`, "does not let vector"],
    ["vector/a.ts", `export * from "../model/index.ts";`, "does not let vector"],
    ["vector/a.ts", `let a: import("../model/index.ts").Tokenizer;`, "does not let vector"],
    ["vector/a.ts", `const a = await import(\n  "../model/index.ts"\n);`, "does not let vector"],
    ["vector/a.ts", `const a = require("../model/index.ts");`, "does not let vector"],
    ["vector/a.ts", `const a = "/*"; \nimport x from "../model/index.ts"; // */`, "does not let vector"],
    ["vector/a.ts", `const a = await import(path);`, "computed"],
    ["vector/a.ts", `const a = await import(\`../\${name}/index.ts\`);`, "computed"],
    ["index/a.ts", `import type { Store } from "../stores/index.ts";`, "does not let index"],
    ["retrieval/a.ts", `import { SparseEncoder } from "../encoder/index.ts";`, "imports values of encoder"],
    ["evaluation/a.ts", `import { type A, b } from "../stores/index.ts";`, "imports values of stores"],
    ["testing/a.ts", `import {} from "../encoder/index.ts";`, "imports values of encoder"],
    ["testing/a.ts", `import { InvertedIndex } from "../index/index.ts";`, "does not let testing"],
    ["encoder/a.ts", `import { SparseVector } from "../vector/sparse-vector.ts";`, "past vector/index.ts"],
    ["index.ts", `export { SparseVector } from "./vector/sparse-vector.ts";`, "past vector/index.ts"],
    ["encoder/a.ts", `import { SparseVector } from "../index.ts";`, "which no folder may"],
    ["encoder/a.ts", `import { SparseVector } from "@sparse-encoder/core";`, "by name"],
    ["encoder/a.ts", `import { build } from "../../scripts/build.mjs";`, "outside of the source"],
    ["errors.ts", `import type { A } from "./vector/index.ts";`, "does not let errors.ts"],
    ["utils/a.ts", ``, "which the table lacks"],
    ["constructor/a.ts", ``, "which the table lacks"],
    ["hits.ts", ``, "belongs into a folder"],
  ])("does not let %s have %s", (path, source, problem) => {
    expect(problems(path, source)).toEqual([expect.stringContaining(problem)]);
  });
});

describe("imports of the LangChain adapter", () => {
  const source = fileURLToPath(new URL("../../packages/langchain/src/", import.meta.url));

  it("are what core and the framework export, and files beside it", () => {
    const allowed =
      /^((\.{1,2}\/)([\w-]+\/)?[\w-]+\.ts|@sparse-encoder\/core(\/internal|\/stores)?|@langchain\/core\/[\w/]+|node:crypto)$/;
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    expect(files).toContain("index.ts");
    for (const file of files) {
      const found = readImports(readFileSync(`${source}${file}`, "utf8")).map(({ specifier }) => specifier);
      expect(found.filter((specifier) => !allowed.test(specifier ?? ""))).toEqual([]);
      if (file === "index.ts") expect(found.length).toBeGreaterThan(5);
    }
  });
});
