import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diagnose, installers, installTimeout, makeProject, pack, run } from "../helpers/package-install.ts";

let folder: string;
let core: string;
let adapter: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "langchain-package-"));
  [core, adapter] = [await pack("core", folder), await pack("langchain", folder)];
}, installTimeout);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the packed package", () => {
  it("holds the build and what explains it, with its peers by range", () => {
    const contents = createPackageFromTarballData(new Uint8Array(readFileSync(adapter)));
    const names = contents
      .listFiles()
      .map((file) => file.replace("/node_modules/@sparse-encoder/langchain/", ""));
    expect(names).toEqual(
      expect.arrayContaining(["README.md", "LICENSE", "dist/esm/index.js", "dist/cjs/index.js"]),
    );
    expect(
      names.filter((name) => !/^(dist\/|((README|CHANGELOG)\.md|LICENSE|package\.json)$)/.test(name)),
    ).toEqual([]);
    const json = contents.readFile("/node_modules/@sparse-encoder/langchain/package.json");
    const { dependencies, peerDependencies } = JSON.parse(json) as Record<string, Record<string, string>>;
    expect(dependencies).toBeUndefined();
    expect(peerDependencies).toEqual({ "@langchain/core": "^1.0.0", "@sparse-encoder/core": "^0.1.0" });
  });

  it("has no fault that publint knows", async () => {
    const { buffer } = new Uint8Array(readFileSync(adapter));
    const { messages, pkg } = await publint({ pack: { tarball: buffer } });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("resolves to the right types from ESM and CommonJS", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(adapter))));
    expect(analysis.types).toEqual({ kind: "included" });
    expect("problems" in analysis && analysis.problems).toEqual([]);
  });
});

const names = {
  "@langchain/core/callbacks/base": "BaseCallbackHandler",
  "@langchain/core/documents": "Document",
  "@langchain/core/retrievers": "BaseRetriever",
  "@langchain/core/vectorstores": "VectorStore",
  "@sparse-encoder/core": "MemoryStore",
  "@sparse-encoder/langchain": "HybridRetriever, HybridVectorStore, SparseEmbeddings, createRetrieverTool",
};
const imports = Object.entries(names);
const esmImports = imports.map(([from, what]) => `import { ${what} } from "${from}";`).join("\n");
const cjsImports = imports.map(([from, what]) => `const { ${what} } = require("${from}");`).join("\n");

/** Every class of the package, with the user's own copy of the framework. Prints what it found. */
const use = `
(async () => {
  const embeddings = await SparseEmbeddings.fromModel();
  const vectors = new HybridVectorStore(undefined, { store: new MemoryStore(), sparseEmbeddings: embeddings });
  const texts = ["The weather is lovely today.", "He drove to the stadium."];
  await vectors.addDocuments(texts.map((pageContent, n) => new Document({ pageContent, metadata: { n } })), { ids: ["a", "b"] });
  const runs = [];
  const handler = BaseCallbackHandler.fromMethods({
    handleRetrieverStart: (...args) => { runs.push(args[6] ?? "root"); },
    handleChainStart: (...args) => { runs.push(args[7] ?? args[6]); },
  });
  handler.awaitHandlers = true;
  const retriever = new HybridRetriever({ arms: { sparse: { embeddings, store: new MemoryStore() }, vectors: { retriever: vectors.asRetriever(1) } } });
  const [found] = await retriever.invoke("What is the weather like?", { callbacks: [handler], configurable: { k: 1 } });
  const batch = await retriever.batch(["weather", "stadium"]);
  const aborted = await retriever.invoke("weather", { signal: AbortSignal.abort() }).catch((error) => error.name);
  const late = await retriever.invoke("weather", { timeout: 1000 }).then((documents) => documents.length);
  const message = await createRetrieverTool(retriever, { name: "search", description: "Searches" }).invoke({ id: "1", name: "search", type: "tool_call", args: { query: "weather" } });
  await embeddings.close();
  console.log(JSON.stringify({
    found: found.id,
    classes: [vectors instanceof VectorStore, retriever instanceof BaseRetriever, found instanceof Document],
    batch: batch.map((documents) => documents[0].id),
    runs: runs.sort(),
    aborted,
    late,
    artifact: message.artifact[0].id,
  }));
})();
`;

/** What a user writes. */
const typedUse = `
async function use(dense: EmbeddingsInterface): Promise<number> {
  await using embeddings: SparseEmbeddings = await SparseEmbeddings.fromModel();
  const store = new MemoryStore();
  const vectors = new HybridVectorStore(dense, { store, sparseEmbeddings: embeddings });
  await vectors.addDocuments([{ pageContent: "text", metadata: {} }], { ids: ["1"] });
  // @ts-expect-error: unknown option
  await vectors.addDocuments([], { id: ["1"] });
  // @ts-expect-error: sparse embeddings where dense ones are expected
  new HybridVectorStore(embeddings, { store });
  const retriever: BaseRetriever = vectors.asHybridRetriever({ k: 3, alpha: 0.5 });
  const documents = await retriever.invoke("text", { configurable: { k: 2 } });
  return documents.length;
}
use satisfies unknown;
`;

const versions = { "1.0": "1.0.0", "the newest 1.x": "^1.0.0" };
const cases = Object.entries(installers).flatMap(([installer, install]) =>
  Object.entries(versions).map(([label, version]) => ({ installer, install, label, version })),
);

describe.each(cases)(
  "installed with $installer beside @langchain/core $label",
  ({ installer, install, version }) => {
    let project: string;

    beforeAll(async () => {
      project = makeProject(folder, `${installer}-${version.replace("^", "newest-")}`);
      await install(project, core, adapter, `@langchain/core@${version}`);
    }, installTimeout);

    it("leaves one copy of @langchain/core", () => {
      const modules = path.join(project, "node_modules");
      const files = readdirSync(modules, { recursive: true, encoding: "utf8" });
      const ending = path.join(path.sep, "@langchain", "core", "package.json");
      const found = files.filter((file) => `${path.sep}${file}`.endsWith(ending));
      const copies = new Set(found.map((file) => realpathSync(path.join(modules, file))));
      expect(copies.size).toBe(1);
      const [copy] = copies;
      const installed = (JSON.parse(readFileSync(copy!, "utf8")) as { version: string }).version;
      expect(installed).toMatch(version === "1.0.0" ? /^1\.0\.0$/ : /^1\.([4-9]|\d\d)/);
    });

    it.each([
      ["ESM", "index.mjs", esmImports],
      ["CommonJS", "index.cjs", cjsImports],
    ])("works from %s", async (_, file, header) => {
      writeFileSync(path.join(project, file), header + use);
      expect(JSON.parse(await run(project, process.execPath, file))).toEqual({
        found: "a",
        classes: [true, true, true],
        batch: ["a", "b"],
        runs: ["fusion", "root", "sparse", "vectors"],
        aborted: "AbortError",
        late: 1,
        artifact: "a",
      });
    });

    it("type-checks strictly from ESM and CommonJS", async () => {
      const types =
        'import type { EmbeddingsInterface } from "@langchain/core/embeddings";\nimport type { BaseRetriever } from "@langchain/core/retrievers";\n';
      const values =
        'import { MemoryStore } from "@sparse-encoder/core";\nimport { HybridVectorStore, SparseEmbeddings } from "@sparse-encoder/langchain";\n';
      for (const file of ["index.mts", "index.cts"])
        writeFileSync(path.join(project, file), types + values + typedUse);
      // The declarations of @langchain/core themselves need a newer library than they say.
      expect(await diagnose(project, ["index.mts", "index.cts"], true)).toBe("");
    });
  },
);
