import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diagnose, installers, installTimeout, makeProject, pack, run } from "../helpers/package-install.ts";

let folder: string;
let tarball: string;
let core: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "llamaindex-package-"));
  tarball = await pack("llamaindex", folder);
  core = await pack("core", folder);
}, installTimeout);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const readTarball = () => new Uint8Array(readFileSync(tarball));

describe("the packed LlamaIndex.TS adapter", () => {
  it("holds the build and what explains it, and asks for its peers", () => {
    const packed = createPackageFromTarballData(readTarball());
    const prefix = "/node_modules/@sparse-encoder/llamaindex/";
    const names = packed.listFiles().map((file) => file.replace(prefix, ""));
    expect(names).toEqual(expect.arrayContaining(["README.md", "LICENSE", "package.json"]));
    expect(
      names.filter((name) => !/^(dist\/|((README|CHANGELOG)\.md|LICENSE|package\.json)$)/.test(name)),
    ).toEqual([]);
    const manifest = JSON.parse(packed.readFile(`${prefix}package.json`));
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.peerDependencies).toEqual({
      "@llamaindex/core": "^0.6.22",
      "@sparse-encoder/core": expect.stringMatching(/^\^\d+\.\d+\.\d+$/),
    });
  });

  it("has no fault that publint knows", async () => {
    const { messages, pkg } = await publint({ pack: { tarball: readTarball().buffer } });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("resolves to the right types from ESM and CommonJS", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readTarball()));
    expect(analysis.types).toEqual({ kind: "included" });
    expect("problems" in analysis && analysis.problems).toEqual([]);
  });
});

const esmImports = `
import { MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { HybridRetriever, HybridVectorStore, NoDenseEmbedding, SparseEmbedding } from "@sparse-encoder/llamaindex";
import { Document, Settings, storageContextFromDefaults, VectorStoreIndex } from "llamaindex";
`;
const cjsImports = esmImports.replace(/import (\{.*\}) from (".*");/g, "const $1 = require($2);");
const script = `
(async () => {
  const encoder = await SparseEncoder.load();
  Settings.embedModel = new NoDenseEmbedding();
  const events = [];
  Settings.callbackManager.on("retrieve-end", () => events.push("end"));
  const vectorStore = new HybridVectorStore({ store: new MemoryStore(), sparseEmbedding: new SparseEmbedding({ encoder }) });
  const storageContext = await storageContextFromDefaults({ vectorStore });
  const documents = [new Document({ id_: "weather", text: "The weather is lovely today." }), new Document({ id_: "stadium", text: "He drove to the stadium." })];
  const index = await VectorStoreIndex.fromDocuments(documents, { storageContext });
  const retriever = new HybridRetriever({ retrievers: [index.asRetriever({ mode: "sparse" }), vectorStore.asRetriever()], similarityTopK: 1 });
  const [{ node }] = await retriever.retrieve("weather today");
  await encoder.close();
  setImmediate(() => console.log(node.sourceNode.nodeId, events.join()));
})();
`;

/** What a user writes: classes of LlamaIndex are met, options checked. */
const typedUse = `
async function use(store: MemoryStore, encoder: SparseEncoder): Promise<number | undefined> {
  const sparseEmbedding = new SparseEmbedding({ encoder });
  const vectorStore: HybridVectorStore = new HybridVectorStore({ store, sparseEmbedding, embedModel: new NoDenseEmbedding() });
  const storageContext = await storageContextFromDefaults({ vectorStore });
  const index = await VectorStoreIndex.fromDocuments([new Document({ text: "x" })], { storageContext });
  const retriever = new HybridRetriever({ retrievers: [vectorStore.asRetriever({ mode: "sparse" })], mode: "simple" });
  new RetrieverQueryEngine(retriever, undefined, []);
  index.asQueryEngine({ retriever });
  // @ts-expect-error: no such mode
  new HybridRetriever({ retrievers: [retriever], mode: "rrf" });
  // @ts-expect-error: no such option
  await retriever.retrieve("x", { topK: 5 });
  const [hit] = await retriever.retrieve("x", { alpha: 0.5, filters: { filters: [{ key: "a", operator: "==", value: 1 }] } });
  return hit?.score;
}
void use;
`;

describe.each(Object.entries(installers))(
  "installed with %s beside llamaindex 0.12.1",
  (installer, install) => {
    let project: string;

    beforeAll(async () => {
      project = makeProject(folder, installer);
      await install(project, tarball, core, "llamaindex@0.12.1", "@llamaindex/core@0.6.22");
    }, installTimeout);

    it.each([
      ["ESM", "index.mjs", esmImports],
      ["CommonJS", "index.cjs", cjsImports],
    ])("indexes and retrieves from %s, sharing the settings of LlamaIndex", async (_, file, imports) => {
      writeFileSync(path.join(project, file), imports + script);
      expect((await run(project, process.execPath, file)).trim()).toBe("weather end");
    });

    it("type-checks strictly from ESM and CommonJS", async () => {
      const imports = esmImports.replace(
        "import { Document, Settings,",
        "import { Document, RetrieverQueryEngine,",
      );
      for (const file of ["index.mts", "index.cts"])
        writeFileSync(path.join(project, file), imports + typedUse);
      // The declarations of LlamaIndex contradict themselves.
      expect(await diagnose(project, ["index.mts", "index.cts"], true)).toBe("");
    });
  },
);
