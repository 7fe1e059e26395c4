import { Bm25Encoder, MemoryStore } from "@sparse-encoder/core";
import { HybridVectorStore, NoDenseEmbedding, SparseEmbedding } from "@sparse-encoder/llamaindex";
import {
  Document,
  IngestionPipeline,
  SentenceSplitter,
  Settings,
  storageContextFromDefaults,
  TextNode,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { beforeEach, describe, expect, it } from "vitest";
import { memory, memoryOnDisk, pglite } from "../helpers/adapter-stores.ts";
import { ingestionCases } from "./ingestion-cases.ts";
import { fakeEmbeddings, fakeVectorStore } from "./stores.ts";

beforeEach(() => {
  Settings.embedModel = fakeEmbeddings().embedModel;
});

const documents = (count: number) =>
  Array.from(
    { length: count },
    (_, place) => new Document({ id_: `doc ${place}`, text: `Text number ${place}.` }),
  );

for (const kind of [memory, memoryOnDisk, pglite()]) ingestionCases(kind);

describe("the cache of IngestionPipeline", () => {
  /** Ids in the store after two runs with the same text under different ids. */
  async function twice(disableCache: boolean): Promise<string[]> {
    const vectorStore = fakeVectorStore();
    const transformations = [vectorStore.embedModel];
    const pipeline = new IngestionPipeline({ transformations, vectorStore, disableCache });
    await pipeline.run({ nodes: [new TextNode({ id_: "a", text: "same text" })] });
    await pipeline.run({ nodes: [new TextNode({ id_: "b", text: "same text" })] });
    return (await vectorStore.getNodes()).map(({ id_ }) => id_);
  }

  it("loses nodes, which is LlamaIndex's fault", async () => {
    expect(await twice(false)).toEqual(["a"]);
  });

  it("loses none when it is disabled", async () => {
    expect(await twice(true)).toEqual(["a", "b"]);
  });
});

it("an index over a store of sparse vectors needs no model of dense ones", async () => {
  Settings.embedModel = new NoDenseEmbedding();
  const keywords = new Bm25Encoder();
  await keywords.fit(documents(20).map(({ text }) => text));
  const vectorStore = new HybridVectorStore({
    store: new MemoryStore(),
    sparseEmbedding: new SparseEmbedding({ encoder: keywords }),
  });
  const storageContext = await storageContextFromDefaults({ vectorStore });
  const index = await VectorStoreIndex.fromDocuments(documents(20), { storageContext });
  const retriever = index.asRetriever({ mode: VectorStoreQueryMode.SPARSE, similarityTopK: 1 });
  const [hit] = await retriever.retrieve("number 17");
  expect(hit!.node.sourceNode!.nodeId).toBe("doc 17");
});

it("an index splits by nothing that Settings.nodeParser says, which is LlamaIndex's fault", async () => {
  const text = Array.from({ length: 20 }, (_, place) => `This is the sentence of number ${place}.`).join(" ");
  const vectorStore = fakeVectorStore();
  const splitter = new SentenceSplitter({ chunkSize: 64, chunkOverlap: 0 });
  expect(splitter.getNodesFromDocuments([new Document({ text })]).length).toBeGreaterThan(1);
  const storageContext = await storageContextFromDefaults({ vectorStore });
  await Settings.withNodeParser(splitter, () =>
    VectorStoreIndex.fromDocuments([new Document({ text })], { storageContext }),
  );
  expect((await vectorStore.getNodes()).length).toBe(1);
});
