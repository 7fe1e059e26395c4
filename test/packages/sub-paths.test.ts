import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../helpers/package-install.ts";

type Core = typeof import("@sparse-encoder/core");
type Stores = typeof import("@sparse-encoder/core/stores");
type Evaluation = typeof import("@sparse-encoder/core/evaluation");
type Testing = typeof import("@sparse-encoder/core/testing");

const require = createRequire(import.meta.url);
const loaders: [string, (entry: string) => Promise<unknown>][] = [
  ["ESM", (entry) => import(entry)],
  ["CommonJS", async (entry) => require(entry) as unknown],
];

describe.each(loaders)("the sub-paths of core (%s)", (_, load) => {
  const loadAll = async () => {
    const [core, stores, evaluation, testing] = await Promise.all(
      ["", "/stores", "/evaluation", "/testing"].map((entry) => load(`@sparse-encoder/core${entry}`)),
    );
    return [core as Core, stores as Stores, evaluation as Evaluation, testing as Testing] as const;
  };

  it("share what they export under the same name", async () => {
    const [core, ...others] = await loadAll();
    for (const other of others) {
      for (const [name, value] of Object.entries(other)) {
        if (name in core) expect(core[name as keyof Core], name).toBe(value);
      }
    }
    expect(others[0].MemoryStore).toBe(core.MemoryStore);
  });

  it("throw errors of one class and give vectors of one class", async () => {
    const [{ SparseEncoderError, SparseVector }, stores, evaluation, testing] = await loadAll();
    const refusals = [
      () => stores.parseFilter({ $unknown: 1 } as never),
      () => new evaluation.NanoBeirEvaluator(5 as never),
      () => new testing.FakeSparseEncoder({ dimension: -1 }),
    ];
    for (const refused of refusals) expect(refused).toThrow(SparseEncoderError);
    const vector = await new testing.FakeSparseEncoder().encode("a text");
    expect(vector).toBeInstanceOf(SparseVector);
  });
});

describe("the face of core", () => {
  const exportedNames = (entry: string) => {
    const source = readFileSync(path.join(root, "packages/core/src", entry), "utf8");
    const lists = [...source.matchAll(/\{([^}]*)\}/g)].flatMap(([, list]) => list!.split(","));
    return lists.map((name) => name.replace("type ", "").trim()).filter((name) => name !== "");
  };

  it("has at most 110 names at the root", () => {
    expect(exportedNames("index.ts").length).toBeLessThanOrEqual(110);
  });

  it("names rows and answers of the engines' clients nowhere", () => {
    const names = ["index.ts", "stores/public.ts", "evaluation/index.ts", "testing/index.ts"].flatMap(
      exportedNames,
    );
    expect(
      names.filter((name) =>
        /^(Milvus|OpenSearch|Elasticsearch|Qdrant|Postgres)(Row|Status|Hit|Item|Point|Statement)$/.test(name),
      ),
    ).toEqual([]);
  });
});

describe("the declarations of core", () => {
  /** Packages that the declarations import which an entry leads to, with the file that does. */
  function importsOf(entry: string): string[] {
    const seen = new Set<string>();
    const found: string[] = [];
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = readFileSync(file, "utf8");
      for (const [, specifier] of source.matchAll(/(?:from|import)\s*\(?["']([^"']+)["']/g)) {
        if (specifier!.startsWith("."))
          visit(path.resolve(path.dirname(file), specifier!.replace(/\.ts$/, ".d.ts")));
        else if (!specifier!.startsWith("node:")) found.push(`${path.basename(file)}: ${specifier}`);
      }
    };
    visit(path.join(root, "packages/core/dist/esm", entry));
    expect(seen.size).toBeGreaterThan(5);
    return found;
  }

  it.each(["index.d.ts", "stores/public.d.ts", "evaluation/index.d.ts", "testing/index.d.ts"])(
    "of %s import no other package, whose own may not compile with skipLibCheck false",
    (entry) => {
      expect(importsOf(entry)).toEqual([]);
    },
  );
});
