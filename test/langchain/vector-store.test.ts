import { VectorStore } from "@langchain/core/vectorstores";
import { MemoryStore } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import {
  DenseEmbeddings,
  HybridVectorStore,
  SparseEmbeddings,
  SparseVectorStore,
} from "@sparse-encoder/langchain";
import { describe, expect, it } from "vitest";
import { memory, memoryOnDisk, pglite, tenantKinds } from "../helpers/adapter-stores.ts";
import { refused, vectorStoreCases } from "./vector-store-cases.ts";

for (const kind of [memory, memoryOnDisk, pglite()]) vectorStoreCases(kind);

const sparseEmbeddings = new SparseEmbeddings({ encoder: new FakeSparseEncoder() });
const dense = new DenseEmbeddings({ encoder: new FakeDenseEmbedder() });

describe("a sparse vector store", () => {
  it("is made from texts or documents, and scores by dot product", async () => {
    const store = new MemoryStore();
    const vectors = await SparseVectorStore.fromTexts(
      ["red red apple", "green pear"],
      [{ n: 1 }, { n: 2 }],
      sparseEmbeddings,
      { store },
    );
    expect(vectors).toBeInstanceOf(VectorStore);
    // red: 1 x 2, apple: 1 x 1.
    const [[document, score]] = (await vectors.similaritySearchWithScore("red apple")) as [[unknown, number]];
    expect(document).toMatchObject({ pageContent: "red red apple", metadata: { n: 1 } });
    expect(score).toBe(3);
    const again = await SparseVectorStore.fromExistingStore(sparseEmbeddings, { store });
    expect(await again.similaritySearch("pear")).toHaveLength(1);
    const one = await SparseVectorStore.fromTexts(["a", "b"], { all: true }, sparseEmbeddings, {
      store: new MemoryStore(),
    });
    expect((await one.similaritySearch("b"))[0]!.metadata).toEqual({ all: true });
    const few = SparseVectorStore.fromTexts(["a", "b"], [{}], sparseEmbeddings, { store });
    await refused(few, "INVALID_ARGUMENT", "metadatas must be an array of one for each of the 2");
    await store.close();
    const closed = SparseVectorStore.fromExistingStore(sparseEmbeddings, { store });
    await refused(closed, "CLOSED", "closed");
  });

  it("keeps the vectors under the name it is given", async () => {
    const store = new MemoryStore();
    const vectors = new SparseVectorStore(sparseEmbeddings, { store, vector: "splade" });
    await vectors.addDocuments([{ pageContent: "red", metadata: {}, id: "1" }]);
    expect(Object.keys((await store.get(["1"]))[0]!.vectors)).toEqual(["splade"]);
    expect(await vectors.similaritySearch("red")).toHaveLength(1);
  });
});

describe("a hybrid vector store", () => {
  const store = new MemoryStore();
  it("has the mode that its embeddings allow", () => {
    expect(new HybridVectorStore(dense, { store, sparseEmbeddings }).mode).toBe("hybrid");
    expect(new HybridVectorStore(dense, { store }).mode).toBe("dense");
    expect(new HybridVectorStore(undefined, { store, sparseEmbeddings }).mode).toBe("sparse");
  });

  it("refuses a mode without its embeddings, stores that are none, and unknown options", async () => {
    const build = (embeddings: unknown, config: unknown) => async () =>
      new HybridVectorStore(embeddings as never, config as never);
    const check = (embeddings: unknown, config: unknown, message: string | RegExp) =>
      refused(build(embeddings, config)(), "INVALID_ARGUMENT", message);
    await check(undefined, { store, sparseEmbeddings, mode: "hybrid" }, "mode hybrid needs dense embeddings");
    await check(undefined, { store, mode: "dense" }, "mode dense needs dense embeddings");
    await check(dense, { store, mode: "hybrid" }, "mode hybrid needs SparseEmbeddings");
    await check(undefined, { store }, "mode sparse needs SparseEmbeddings");
    await check(
      dense,
      { store, mode: "both" },
      'mode must be "sparse", "dense" or "hybrid", received \'both\'',
    );
    await check(dense, { store: {} }, "needs a store");
    await check(dense, undefined, "needs a store");
    await refused(build(dense, { store, k: 4 })(), "UNKNOWN_OPTION", "unknown option 'k'");
    await refused(build(dense, { store, vectors: { d: "x" } })(), "UNKNOWN_OPTION", "unknown option 'd'");
    await refused(build(dense, { store, arms: { d: {} } })(), "UNKNOWN_OPTION", "unknown option 'd'");
    await check(dense, { store, arms: { dense: { k: 0 } } }, "k of the arm dense");
    await check(dense, { store, sparseEmbeddings, alpha: 2 }, "alpha must be a number from 0");
  });

  it("weighs its arms by alpha, and takes dense embeddings of any package", async () => {
    const own = new MemoryStore();
    // Texts of one letter: a is near to b, whatever the words say.
    const embeddings = {
      embedQuery: async () => [1, 0],
      embedDocuments: async (texts: string[]) => texts.map((text) => (text.includes("b") ? [1, 0] : [0, 1])),
    };
    const open = (alpha: number) =>
      new HybridVectorStore(embeddings, { store: own, sparseEmbeddings, alpha });
    await open(0.5).addDocuments([
      { pageContent: "a", metadata: {}, id: "a" },
      { pageContent: "b", metadata: {}, id: "b" },
    ]);
    expect((await open(1).similaritySearch("a", 1))[0]!.id).toBe("b");
    expect((await open(0).similaritySearch("a", 1))[0]!.id).toBe("a");
  });

  it("shows no arguments of its constructor when it is serialised", () => {
    const vectors = new HybridVectorStore(dense, { store, sparseEmbeddings });
    for (const value of [vectors, vectors.asRetriever(), vectors.asHybridRetriever()]) {
      const json = JSON.stringify(value);
      expect(JSON.parse(json)).toMatchObject({ lc: 1, type: "not_implemented" });
      expect(Object.keys(JSON.parse(json) as object).sort()).toEqual(["id", "lc", "type"]);
    }
    expect(JSON.stringify(sparseEmbeddings)).not.toContain("encoder");
    expect(vectors.lc_namespace).toEqual(["langchain", "vectorstores", "sparse_encoder_hybrid"]);
    expect(vectors.asRetriever().tags).toEqual(["sparse_encoder_hybrid"]);
  });
});

describe("a vector store over a store of a tenant", () => {
  it.each(tenantKinds())("sees documents of that tenant only: %s", async (_, open) => {
    await using acme = await open("acme");
    await using other = await open("other");
    const [ours, theirs] = [acme, other].map(
      (store) => new HybridVectorStore(dense, { store, sparseEmbeddings }),
    );
    const ids = ["1", "2"];
    for (const [vectors, tenant] of [
      [ours!, "acme"],
      [theirs!, "other"],
    ] as const) {
      const documents = ids.map((id) => ({
        pageContent: `red apple ${id} of ${tenant}`,
        metadata: { id },
        id,
      }));
      await vectors.addDocuments(documents);
    }
    const found = await ours!.similaritySearch("red apple of other", 10);
    expect(found.map(({ pageContent }) => pageContent).sort()).toEqual([
      "red apple 1 of acme",
      "red apple 2 of acme",
    ]);
    expect(await ours!.similaritySearch("red", 10, { id: "1" })).toHaveLength(1);
    expect(await ours!.maxMarginalRelevanceSearch("red", { k: 10 })).toHaveLength(2);
    await ours!.delete({ ids });
    expect(await ours!.similaritySearch("red apple", 10)).toEqual([]);
    expect((await theirs!.getByIds(ids)).map(({ pageContent }) => pageContent)).toEqual([
      "red apple 1 of other",
      "red apple 2 of other",
    ]);
  });
});
