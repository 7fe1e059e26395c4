import { IngestionError, MemoryStore, SparseEncoderError } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import {
  DenseEmbedding,
  HybridRetriever,
  HybridVectorStore,
  NoDenseEmbedding,
  SparseEmbedding,
} from "@sparse-encoder/llamaindex";
import {
  BaseRetriever,
  Document,
  type MetadataFilters,
  MetadataMode,
  NodeRelationship,
  type NodeWithScore,
  Settings,
  storageContextFromDefaults,
  TextNode,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../helpers/adapter-stores.ts";
import { modes, one } from "./store-cases.ts";
import { fakeEmbeddings, fakeVectorStore } from "./stores.ts";

const textOf = ({ node }: NodeWithScore) => node.getContent(MetadataMode.NONE);

/** Gives a list of nodes to every query. */
class ListRetriever extends BaseRetriever {
  private readonly nodes: TextNode[];

  constructor(...nodes: TextNode[]) {
    super();
    this.nodes = nodes;
  }

  async _retrieve(): Promise<NodeWithScore[]> {
    return this.nodes.map((node, position) => ({ node, score: 1 / (position + 1) }));
  }
}

describe("nodes of several indexes of the same documents", () => {
  const texts = ["red apple", "red plum", "green pear"];

  it("are fused by their hash, as in the Python library", async () => {
    Settings.embedModel = fakeEmbeddings().embedModel;
    const documents = texts.map((text, n) => new Document({ text, metadata: { n } }));
    const open = async () => {
      const vectorStore = fakeVectorStore(new MemoryStore());
      const storageContext = await storageContextFromDefaults({ vectorStore });
      await VectorStoreIndex.fromDocuments(documents, { storageContext });
      return vectorStore;
    };
    const [first, second] = [await open(), await open()];
    const idsOf = async (store: HybridVectorStore) => (await store.getNodes()).map(({ id_ }) => id_);
    expect(await idsOf(first)).not.toEqual(await idsOf(second));
    const retriever = new HybridRetriever({
      retrievers: [first, second].map((store) => store.asRetriever({ similarityTopK: 9 })),
      mode: "reciprocal_rerank",
      similarityTopK: 9,
    });
    const found = await retriever.retrieve("red apple");
    expect(found.map(textOf).toSorted()).toEqual(texts.toSorted());
    // First in both lists, ranks from 0.
    expect(found[0]!.score).toBeCloseTo(2 / 60, 12);
  });

  it("stay apart where metadata differ, and meet by id where the text was changed", async () => {
    const node = (id_: string, text: string, metadata = {}) => new TextNode({ id_, text, metadata });
    const count = async (a: TextNode[], b: TextNode[]) =>
      (
        await new HybridRetriever({
          retrievers: [new ListRetriever(...a), new ListRetriever(...b)],
          similarityTopK: 9,
        }).retrieve("q")
      ).length;
    expect(await count([node("1", "same")], [node("2", "same")])).toBe(1);
    expect(await count([node("1", "same", { page: 1 })], [node("2", "same", { page: 2 })])).toBe(2);
    expect(await count([node("1", "old")], [node("1", "new")])).toBe(1);
    // Metadata that were set after the node was made count too.
    const [late, other] = [node("1", "same"), node("2", "same")];
    late.metadata = { page: 1 };
    other.metadata = { page: 2 };
    expect(await count([late], [other])).toBe(2);
  });

  it("have the content of the better rank", async () => {
    const nodes = [new TextNode({ id_: "1", text: "first" }), new TextNode({ id_: "1", text: "second" })];
    const retriever = new HybridRetriever({
      retrievers: [
        new ListRetriever(new TextNode({ id_: "0", text: "other" }), nodes[1]!),
        new ListRetriever(nodes[0]!),
      ],
    });
    const found = await retriever.retrieve("q");
    expect(found.find(({ node }) => node.id_ === "1")!.node).toBe(nodes[0]);
  });
});

describe("metadata of all kinds", () => {
  class Info {
    readonly title = "T";
  }

  it("are stored as JSON.stringify keeps them, and filtered by dates", async () => {
    const vectorStore = fakeVectorStore();
    const years = [2021, 2023, 2025];
    const nodes = years.map(
      (year) =>
        new TextNode({
          id_: `${year}`,
          text: "a red house",
          metadata: {
            at: new Date(`${year}-06-01`),
            info: new Info(),
            size: BigInt(year),
            none: [undefined],
          },
        }),
    );
    await vectorStore.add(nodes);
    expect((await vectorStore.getNodes())[0]!.metadata).toEqual({
      at: "2021-06-01T00:00:00.000Z",
      info: { title: "T" },
      size: 2021,
      none: [null],
    });
    expect(nodes[0]!.metadata.at).toEqual(new Date("2021-06-01"));
    const since = one("at", ">=", new Date("2022-01-01"));
    const filters: MetadataFilters = { filters: [...since.filters, ...one("size", "<", 2024n).filters] };
    for (const mode of modes) {
      const { ids } = await vectorStore.query({ queryStr: "red house", similarityTopK: 9, mode, filters });
      expect(ids).toEqual(["2023"]);
    }
    // Other retrievers give nodes with dates.
    const retriever = new HybridRetriever({ retrievers: [new ListRetriever(...nodes)], similarityTopK: 9 });
    const found = await retriever.retrieve("red", { filters });
    expect(found.map(({ node }) => node.id_)).toEqual(["2023"]);
    await vectorStore.deleteNodes({ filters: since });
    expect((await vectorStore.getNodes()).map(({ id_ }) => id_)).toEqual(["2021"]);
  });

  it("of relationships are kept too", async () => {
    const vectorStore = fakeVectorStore();
    const metadata = { size: 5n, at: new Date(0) };
    const relationships = { [NodeRelationship.SOURCE]: { nodeId: "d", metadata } };
    await vectorStore.add([new TextNode({ text: "red", relationships })]);
    const [node] = await vectorStore.getNodes();
    expect(node!.sourceNode).toMatchObject({
      nodeId: "d",
      metadata: { size: 5, at: "1970-01-01T00:00:00.000Z" },
    });
  });
});

describe("a fault in a large batch", () => {
  const nodes = (fault: object) =>
    Array.from({ length: 1300 }, (_, n) =>
      Object.assign(new TextNode({ id_: `${n}`, text: `red ${n}` }), n === 1290 ? fault : {}),
    );

  it.each<[string, object]>([
    ["metadata that are none", { metadata: null }],
    ["a text that is none", { text: 5 }],
    ["an id that is none", { id_: "" }],
    ["an embedding with NaN", { embedding: [1, Number.NaN] }],
    ["an embedding of another width", { embedding: [1] }],
  ])("is found before anything is encoded, by its position: %s", async (_, fault) => {
    const encoder = new FakeSparseEncoder();
    const encode = vi.spyOn(encoder, "encodeDocument");
    const store = new MemoryStore();
    const embedModel = new NoDenseEmbedding();
    const vectorStore = new HybridVectorStore({
      store,
      sparseEmbedding: new SparseEmbedding({ encoder }),
      embedModel,
    });
    const added = nodes(fault);
    added[3]!.embedding = [1, 2];
    const error = await vectorStore.add(added).catch((thrown: unknown) => thrown);
    expect(SparseEncoderError.is(error), String(error)).toBe(true);
    expect((error as Error).message).toMatch(/(Node|document) 1290/);
    expect(encode).not.toHaveBeenCalled();
    expect(await store.count()).toBe(0);
  });

  it("that only the store can find is told in the words of add", async () => {
    const store = new MemoryStore();
    const upsert = store.upsert.bind(store);
    let calls = 0;
    store.upsert = async (documents, options) => {
      if (calls++ === 2) throw new Error("disk full");
      return upsert(documents, options);
    };
    const error = await fakeVectorStore(store)
      .add(nodes({}))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(IngestionError);
    expect((error as Error).message).toMatch(
      /^add: .*disk full\. The first 1024 nodes are stored; add all again/,
    );
    expect((error as Error).message).not.toContain("skip");
  });
});

describe("an empty text with filters", () => {
  it.each(modes)("finds the nodes that pass in mode %s", async (mode) => {
    const vectorStore = fakeVectorStore();
    await vectorStore.add(
      [7, 8, 9].map(
        (rating) => new TextNode({ id_: `${rating}`, text: `film ${rating}`, metadata: { rating } }),
      ),
    );
    const query = { queryStr: "", similarityTopK: 5, mode, filters: one("rating", ">", 7.5) };
    expect((await vectorStore.query(query)).ids.toSorted()).toEqual(["8", "9"]);
  });
});

describe("fromPersistDir", () => {
  it("opens what persist wrote, in the form of LlamaIndex's own store, beside its other stores", async () => {
    const folder = temporaryFolder();
    const { sparseEmbedding, embedModel } = fakeEmbeddings();
    Settings.embedModel = embedModel;
    const vectorStore = await HybridVectorStore.fromPersistDir(folder, embedModel, { sparseEmbedding });
    const storageContext = await storageContextFromDefaults({ vectorStore, persistDir: folder });
    await VectorStoreIndex.fromDocuments([new Document({ text: "a red house" })], { storageContext });
    await vectorStore.close();
    await using again = await HybridVectorStore.fromPersistDir(folder, embedModel, { sparseEmbedding });
    const index = await VectorStoreIndex.fromVectorStore(again);
    const retriever = index.asRetriever({ mode: VectorStoreQueryMode.HYBRID, similarityTopK: 1 });
    expect((await retriever.retrieve("red")).map(textOf)).toEqual(["a red house"]);
    const copy = temporaryFolder();
    await again.persist(copy);
    await using copied = await HybridVectorStore.fromPersistDir(copy);
    expect((await copied.getNodes()).length).toBe(1);
    expect(copied.embedModel).toBe(embedModel);
  });
});

it("loads models of its own, and frees only these", async () => {
  await using sparse = await SparseEmbedding.fromModel();
  expect((await sparse.getQueryEmbedding("weather")).activeDims).toBeGreaterThan(0);
  await sparse.close();
  await expect(sparse.getQueryEmbedding("weather")).rejects.toMatchObject({ code: "CLOSED" });
  const encoder = new FakeSparseEncoder();
  await new SparseEmbedding({ encoder }).close();
  expect((await encoder.encodeQuery("open")).activeDims).toBe(1);
  await new DenseEmbedding({ encoder: new FakeDenseEmbedder() }).close();
});

it("errors of a query give no advice about options that the store does not have", async () => {
  const store = new MemoryStore();
  const vectorStore = fakeVectorStore(store);
  await vectorStore.add([new TextNode({ text: "red" })]);
  store.searchSparse = async () => {
    throw new Error("disk gone");
  };
  const query = { queryStr: "red", similarityTopK: 1, mode: VectorStoreQueryMode.HYBRID };
  await expect(vectorStore.query(query)).rejects.toMatchObject({
    message: "The arm sparse failed: disk gone.",
  });
});

it("unknown options are refused by every call that takes some", async () => {
  const vectorStore = fakeVectorStore();
  const wrong = { unknown: 1 } as never;
  const sparse = new SparseEmbedding({ encoder: new FakeSparseEncoder() });
  for (const call of [
    () => new SparseEmbedding({ encoder: new FakeSparseEncoder(), ...(wrong as object) } as never),
    () => new DenseEmbedding({ encoder: new FakeDenseEmbedder(), ...(wrong as object) } as never),
    () => sparse.getQueryEmbedding("a", wrong),
    () => sparse.getTextEmbedding("a", wrong),
    () => sparse.getTextEmbeddings(["a"], wrong),
    () => new HybridVectorStore({ store: new MemoryStore(), ...(wrong as object) } as never),
    () => HybridVectorStore.load(temporaryFolder(), wrong),
    () => vectorStore.add([], wrong),
    () => vectorStore.delete("a", wrong),
    () => vectorStore.deleteNodes({ nodeIds: [] }, wrong),
    () => vectorStore.deleteNodes(wrong),
    () => vectorStore.getNodes({}, wrong),
    () => vectorStore.getNodes(wrong),
    () => vectorStore.clear(wrong),
    () => vectorStore.asRetriever(wrong),
    () => vectorStore.asRetriever().retrieve("a", wrong),
    () => new HybridRetriever({ retrievers: [], ...(wrong as object) } as never),
    () => new HybridRetriever({ retrievers: [new ListRetriever()] }).retrieve("a", wrong),
  ]) {
    await expect((async () => call())()).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
      message: expect.stringContaining("unknown option 'unknown'. Valid options:"),
    });
  }
});
