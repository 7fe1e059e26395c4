import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectVectors, type GoldenVector, readGolden, toMatrix } from "../helpers/golden-data.ts";
import { diagnose, installers, installTimeout, makeProject, pack, run } from "../helpers/package-install.ts";

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "package-"));
  tarball = await pack("core", folder);
}, installTimeout);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the packed package", () => {
  it("holds the build, the model, and what explains them, but no tests", () => {
    const files = createPackageFromTarballData(new Uint8Array(readFileSync(tarball))).listFiles();
    const names = files.map((file) => file.replace("/node_modules/@sparse-encoder/core/", ""));
    expect(names).toEqual(
      expect.arrayContaining([
        "README.md",
        "LICENSE",
        "models/splade-tiny/LICENSE",
        "dist/esm/runtime/worker.js",
      ]),
    );
    const further = names.filter(
      (name) => !/^(dist\/|models\/|((README|CHANGELOG)\.md|LICENSE|package\.json)$)/.test(name),
    );
    expect([...further, ...names.filter((name) => name.includes(".test."))]).toEqual([]);
  });

  it("has no fault that publint knows", async () => {
    const { buffer } = new Uint8Array(readFileSync(tarball));
    const { messages, pkg } = await publint({ pack: { tarball: buffer } });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("resolves to the right types from ESM and CommonJS", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
    expect(analysis.types).toEqual({ kind: "included" });
    // The oldest kind of resolution knows no subpaths; Node has had another one since version 12.
    const problems = "problems" in analysis ? analysis.problems : [];
    expect(
      problems.filter((problem) => !("resolutionKind" in problem) || problem.resolutionKind !== "node10"),
    ).toEqual([]);
  });
});

const esmScript = `
import { SparseEncoder } from "@sparse-encoder/core";
`;
const cjsScript = `
const { SparseEncoder } = require("@sparse-encoder/core");
`;
const encodeScript = (text: string) => `
(async () => {
  const encoder = await SparseEncoder.load();
  const vector = await encoder.encode(${JSON.stringify(text)});
  await encoder.close();
  console.log(JSON.stringify(vector));
})();
`;

/** What a user writes: results that depend on the input only, options that are checked, iteration, disposal. */
const typedUse = `
async function use(): Promise<number> {
  await using encoder: SparseEncoder = await SparseEncoder.load(undefined, { maxActiveDims: 64 });
  const vector: SparseVector = await encoder.encode("text");
  const matrix: SparseMatrix = await encoder.encodeDocument(["text", "another"], { batchSize: 8 });
  // @ts-expect-error: unknown option
  await encoder.encode("text", { size: 8 });
  // @ts-expect-error: no text
  await encoder.encode(5);
  const index = new InvertedIndex(encoder.embeddingDimension);
  index.addMany(["a", "b"], matrix);
  const hits: SearchHit[] = index.search(vector, { topK: 1 });
  for (const row of matrix) for (const [dim, weight] of row) index.delete(String(dim + weight));
  for await (const row of encoder.encodeStream(["text"])) index.upsert("c", row);
  const [token, weight] = encoder.decode(vector)[0]!;
  return hits[0]!.score + weight + token.length;
}
use().catch((error: unknown) => SparseEncoderError.is(error, "MODEL_NOT_FOUND") && error.code);
`;
const names = "InvertedIndex, SparseEncoder, SparseEncoderError";
const types = "SearchHit, SparseMatrix, SparseVector";

describe.each(Object.entries(installers))("installed with %s into an empty project", (installer, install) => {
  const golden = readGolden("splade-tiny");
  let project: string;

  beforeAll(async () => {
    project = makeProject(folder, installer);
    await install(project, tarball);
  }, installTimeout);

  it.each([
    ["ESM", "index.mjs", esmScript],
    ["CommonJS", "index.cjs", cjsScript],
  ])("encodes with the embedded model from %s", async (_, file, script) => {
    writeFileSync(path.join(project, file), script + encodeScript(golden.texts[0]!));
    const vector = JSON.parse(await run(project, process.execPath, file)) as GoldenVector;
    expect(vector.indices.length).toBeGreaterThan(0);
    expectVectors(toMatrix([vector], golden.embedding_dimension), [golden.encode[0]!]);
  });

  it("type-checks strictly, its declarations too, from ESM and CommonJS", async () => {
    writeFileSync(
      path.join(project, "index.mts"),
      `import { ${names}, type ${types.replaceAll(", ", ", type ")} } from "@sparse-encoder/core";\n${typedUse}`,
    );
    writeFileSync(
      path.join(project, "index.cts"),
      `import core = require("@sparse-encoder/core");\nimport type { SparseEncoder, ${types} } from "@sparse-encoder/core";\n${typedUse
        .replace(/\bSparseEncoder\.load/g, "core.SparseEncoder.load")
        .replace("new InvertedIndex", "new core.InvertedIndex")
        .replace("SparseEncoderError.is", "core.SparseEncoderError.is")}`,
    );
    const diagnostics = await diagnose(project, ["index.mts", "index.cts"], false);
    expect(diagnostics).toBe("");
  });
});
