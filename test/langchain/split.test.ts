import { Document } from "@langchain/core/documents";
import { index } from "@langchain/core/indexing";
import { FakeEmbeddings } from "@langchain/core/utils/testing";
import { Bm25Encoder, DenseEncoder, MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import {
  DenseEmbeddings,
  HybridVectorStore,
  SparseEmbeddings,
  SparseVectorStore,
} from "@sparse-encoder/langchain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { MemoryRecordManager } from "./vector-store-cases.ts";

const words = ["apples", "trains", "ships", "lakes", "bread", "stones", "birds", "songs"];
/** A text of some 130 tokens that says something else in each part. */
const long = words.map((word) => `${word} ${"and more of these things ".repeat(3)}`).join("");

let encoder: SparseEncoder;
let sparse: SparseEmbeddings;

beforeAll(async () => {
  encoder = await SparseEncoder.load();
  sparse = new SparseEmbeddings({ encoder });
});
afterAll(() => encoder.close());

const documents = () => [
  new Document({ id: "long", pageContent: long, metadata: { title: "Long", nested: { page: 3 } } }),
  new Document({ id: "short", pageContent: "a short text", metadata: {} }),
];

describe("split", () => {
  it("stores pieces that the model takes whole, with ids and metadata that lead back", async () => {
    const store = new MemoryStore();
    const vectors = new SparseVectorStore(sparse, { store, split: { maxTokens: 32, overlap: 4 } });
    const ids = await vectors.addDocuments(documents());
    const expected = await encoder.splitText(long, { maxTokens: 32, overlap: 4 });
    expect(expected.length).toBeGreaterThan(3);
    expect(ids).toEqual([...expected.map((_, index) => `long#${index}`), "short#0"]);
    expect(await store.count()).toBe(ids.length);
    for (const [index, { pageContent, metadata }] of (await vectors.getByIds(ids.slice(0, -1))).entries()) {
      const { start, end, text } = expected[index]!;
      expect(pageContent).toBe(text);
      expect(long.slice(start, end)).toBe(pageContent);
      const chunk = { document: "long", index, count: expected.length, start, end };
      expect(metadata).toEqual({ title: "Long", nested: { page: 3 }, chunk });
    }
    // The last words are found, which an encoder that cuts would not see.
    const [found] = await vectors.similaritySearch("songs", 1, { "chunk.document": "long" });
    expect(found!.pageContent).toContain("songs");
    await vectors.delete({ filter: { "chunk.document": "long" } });
    expect(await store.count()).toBe(1);
  });

  it("puts a document in place of what it was before, whole or in more pieces", async () => {
    const store = new MemoryStore();
    const vectors = new SparseVectorStore(sparse, { store });
    await vectors.addDocuments(documents());
    expect(await store.count()).toBe(2);
    const split = { maxTokens: 32 };
    const many = await vectors.addDocuments(documents(), { split });
    expect(await store.count()).toBe(many.length);
    const short = new Document({ id: "long", pageContent: "apples and trains" });
    expect(await vectors.addDocuments([short], { split })).toEqual(["long#0"]);
    expect(await store.count()).toBe(2);
    expect((await vectors.getByIds(["long#0", "long#1"])).map(({ pageContent }) => pageContent)).toEqual([
      "apples and trains",
    ]);
  });

  it("is off by default, and can be turned off in a call", async () => {
    const store = new MemoryStore();
    const vectors = new SparseVectorStore(sparse, { store, split: true });
    expect(await vectors.addDocuments(documents(), { split: false })).toEqual(["long", "short"]);
    // As long as the model takes them, documents are one piece.
    expect(await vectors.addDocuments(documents())).toEqual(["long#0", "short#0"]);
    const fresh = await SparseVectorStore.fromDocuments(documents(), sparse, { store: new MemoryStore() });
    expect((await fresh.getByIds(["long"])).length).toBe(1);
  });

  it("fits all models of a store, and leaves out encoders that take any length", async () => {
    const dense = await DenseEncoder.load(goldenModelFolder("dense-mean-normalize"), { workers: 1 });
    const keywords = new Bm25Encoder();
    await keywords.fit([long]);
    const store = new MemoryStore();
    const vectors = new HybridVectorStore(new DenseEmbeddings({ encoder: dense }), {
      store,
      sparseEmbeddings: sparse,
      split: { maxTokens: 24 },
    });
    const ids = await vectors.addDocuments(documents());
    for (const { pageContent } of await vectors.getByIds(ids)) {
      for (const one of [encoder, dense]) {
        const [tokens] = await one.tokenize([pageContent]);
        expect(tokens!.length).toBeLessThanOrEqual(24);
      }
    }
    const byKeyword = new SparseVectorStore(new SparseEmbeddings({ encoder: keywords }), {
      store: new MemoryStore(),
      split: true,
    });
    await expect(byKeyword.addDocuments(documents())).rejects.toThrow(
      "split needs an encoder that counts the tokens",
    );
    await dense.close();
  });

  it("refuses what cannot be", async () => {
    const store = new MemoryStore();
    for (const split of ["yes", 5, null, { maxToken: 5 }, { chunkSize: 5 }, { maxTokens: 0 }]) {
      expect(() => new SparseVectorStore(sparse, { store, split: split as never })).toThrow(/split/);
    }
    const vectors = new SparseVectorStore(sparse, { store, split: true });
    await expect(vectors.addDocuments([{ id: "a", pageContent: 5 as never, metadata: {} }])).rejects.toThrow(
      "The text of document 0 ('a') must be a string, received 5",
    );
    await expect(
      vectors.addDocuments([{ id: "a", pageContent: "text", metadata: { chunk: 3 } }]),
    ).rejects.toMatchObject({ code: "INVALID_DOCUMENT" });
    const hybrid = new HybridVectorStore(new FakeEmbeddings(), {
      store,
      sparseEmbeddings: sparse,
      split: true,
    });
    await expect(hybrid.addVectors([[1, 2]], [{ pageContent: "a", metadata: {} }])).rejects.toThrow(
      "addVectors takes one vector per document",
    );
    expect(await store.count()).toBe(0);
  });

  it("works with LangChain's indexing, which deletes by the ids of documents", async () => {
    const store = new MemoryStore();
    const vectorStore = new SparseVectorStore(sparse, { store, split: { maxTokens: 32 } });
    const recordManager = new MemoryRecordManager();
    const options = { cleanup: "full" as const, sourceIdKey: "source" };
    const docsSource = [{ pageContent: long, metadata: { source: "a" } }];
    await index({ docsSource, recordManager, vectorStore, options });
    expect(await store.count()).toBeGreaterThan(3);
    const other = [{ pageContent: "another text", metadata: { source: "b" } }];
    await index({ docsSource: other, recordManager, vectorStore, options });
    expect(await store.count()).toBe(1);
  });

  it("ends when it is aborted", async () => {
    const vectors = new SparseVectorStore(sparse, { store: new MemoryStore(), split: true });
    await expect(vectors.addDocuments(documents(), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});
