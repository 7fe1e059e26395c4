import {
  Bm25Encoder,
  HybridRetriever as CoreRetriever,
  InvertedIndex,
  MemoryStore,
  ndcg,
  SparseEncoder,
  SparseMatrix,
} from "@sparse-encoder/core";
import { FakeDenseEmbedder } from "@sparse-encoder/core/testing";
import {
  DenseEncoderEmbedding,
  HybridRetriever,
  HybridVectorStore,
  NoDenseEmbedding,
  SparseEmbedding,
} from "@sparse-encoder/llamaindex";
import {
  Document,
  IngestionPipeline,
  Settings,
  storageContextFromDefaults,
  TextNode,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { beforeEach, describe, expect, it } from "vitest";
import { readCranfield } from "../examples/cranfield.ts";
import { memory, memoryOnDisk, pglite } from "./adapter-stores.ts";
import { readJson } from "./golden-data.ts";
import { ingestionCases } from "./llamaindex-ingestion-cases.ts";
import { fakeEmbeddings, fakeVectorStore } from "./llamaindex-stores.ts";

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

it("gives core's ranking and nDCG@10 on Cranfield, through an index and through the hybrid retriever", async () => {
  const { documents, queries: all, judgements } = readCranfield();
  const queries = all.filter(({ id }) => judgements.has(id));
  await using model = await SparseEncoder.load(undefined, { maxSeqLength: 256 });
  const texts = documents.map(({ text }) => text);
  const rows = [...(await model.encodeDocument(texts))];
  const byText = new Map(texts.map((text, place) => [text.trim(), rows[place]!]));
  // Encoded once for both.
  const encoder = {
    encodeQuery: (some: readonly string[]) => model.encodeQuery(some),
    encodeDocument: async (some: readonly string[]) =>
      SparseMatrix.fromRows(some.map((text) => byText.get(text.trim())!)),
  };
  const dense = new FakeDenseEmbedder({ dimension: 256 });
  const store = new MemoryStore();
  const core = new CoreRetriever({
    arms: { sparse: { encoder, store }, dense: { embed: async (some) => dense.encode(some), store } },
  });
  await core.add(documents.map(({ id, text }) => ({ id, text: text.trim() })));

  Settings.embedModel = new DenseEncoderEmbedding({ encoder: dense });
  const vectorStore = new HybridVectorStore({
    store: new MemoryStore(),
    sparseEmbedding: new SparseEmbedding({ encoder }),
  });
  const storageContext = await storageContextFromDefaults({ vectorStore });
  const index = await VectorStoreIndex.init({
    nodes: documents.map(({ id, text }) => new TextNode({ id_: id, text })),
    storageContext,
  });
  const retrievers = {
    hybrid: index.asRetriever({ mode: VectorStoreQueryMode.HYBRID, similarityTopK: 10 }),
    fused: new HybridRetriever({
      retrievers: ["default", "sparse"].map((mode) =>
        index.asRetriever({ mode: mode as VectorStoreQueryMode, similarityTopK: 100 }),
      ),
      similarityTopK: 10,
    }),
    sparse: index.asRetriever({ mode: VectorStoreQueryMode.SPARSE, similarityTopK: 10 }),
  };
  const inverted = new InvertedIndex(model.embeddingDimension);
  inverted.addMany(
    documents.map(({ id }) => id),
    SparseMatrix.fromRows(rows),
  );
  let total = 0;
  for (const { id, text } of queries) {
    const expected = (await core.retrieve(text, { k: 10 })).map((hit) => hit.id);
    const ids = async (name: keyof typeof retrievers) =>
      (await retrievers[name].retrieve(text)).map(({ node }) => node.id_);
    expect(await ids("hybrid"), text).toEqual(expected);
    expect(await ids("fused"), text).toEqual(expected);
    const sparse = await ids("sparse");
    expect(sparse).toEqual(inverted.search(await model.encodeQuery(text), { topK: 10 }).map((hit) => hit.id));
    total += ndcg(sparse, judgements.get(id)!, 10);
  }
  const reference = readJson("fixtures/cranfield/results.json") as { splade: { "ndcg@10": number } };
  expect(Math.abs(total / queries.length - reference.splade["ndcg@10"])).toBeLessThanOrEqual(0.002);
}, 300_000);
