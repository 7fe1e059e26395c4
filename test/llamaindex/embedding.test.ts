import { Bm25Encoder, DenseEncoder, SparseEncoder, SparseVector } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import { DenseEmbedding, NoDenseEmbedding, SparseEmbedding } from "@sparse-encoder/llamaindex";
import { BaseEmbedding, MetadataMode, TextNode } from "llamaindex";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";

describe("SparseEmbedding", () => {
  let encoder: SparseEncoder;
  let embedding: SparseEmbedding;
  beforeAll(async () => {
    encoder = await SparseEncoder.load();
    embedding = new SparseEmbedding({ encoder, embedBatchSize: 2 });
  });
  afterAll(() => encoder.close());
  const texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];

  it("gives what the encoder gives for queries and for documents", async () => {
    expect(await embedding.getQueryEmbedding(texts[0]!)).toEqual(await encoder.encodeQuery(texts[0]!));
    expect(await embedding.getTextEmbedding(texts[1]!)).toEqual(await encoder.encodeDocument(texts[1]!));
    const rows = [...(await encoder.encodeDocument(texts))];
    const embeddings = await embedding.getTextEmbeddings(texts);
    expect(embeddings.length).toBe(3);
    embeddings.forEach((one, place) => {
      expect(one.equals(rows[place]!, { absolute: 1e-5 })).toBe(true);
    });
  });

  it("is the dictionary of the Python library, and comes from it", async () => {
    const vector = await embedding.getQueryEmbedding("sunny");
    const dictionary: Record<number, number> = Object.fromEntries(vector);
    expect(Object.keys(dictionary).map(Number)).toEqual([...vector.indices]);
    expect(SparseVector.from(dictionary, encoder.embeddingDimension)).toEqual(vector);
  });

  it.each([1, 2, 3, 5])("tells its progress for %i texts, batch by batch", async (count) => {
    const progress: number[][] = [];
    const many = Array.from({ length: count }, (_, place) => `text ${place}`);
    await embedding.getTextEmbeddings(many, { progressCallback: (...numbers) => progress.push(numbers) });
    expect(progress).toEqual(
      [2, 4, 6].slice(0, Math.ceil(count / 2)).map((done) => [Math.min(done, count), count]),
    );
    expect(await embedding.getTextEmbeddings([])).toEqual([]);
  });

  it("aggregates queries to their mean, or as it is told", async () => {
    const fake = new SparseEmbedding({ encoder: new FakeSparseEncoder() });
    const [red, green] = [await fake.getQueryEmbedding("red"), await fake.getQueryEmbedding("green")];
    // Weights 2 and 0 for red, 1 and 1 for green.
    const mean = await fake.getAggEmbeddingFromQueries(["red red green", "green"]);
    expect([mean.activeDims, mean.get(red.indices[0]!), mean.get(green.indices[0]!)]).toEqual([2, 1, 1]);
    const first = await fake.getAggEmbeddingFromQueries(["red", "green"], ([one]) => one!);
    expect(JSON.stringify(first)).toBe(JSON.stringify(red));
  });

  it("has cosine as similarity, 0 for an empty vector", () => {
    const vector = (entries: Record<number, number>) => SparseVector.from(entries, 10);
    expect(embedding.similarity(vector({ 1: 3, 2: 4 }), vector({ 1: 4, 5: 3 }))).toBeCloseTo(12 / 25, 12);
    expect(embedding.similarity(vector({ 1: 3 }), vector({}))).toBe(0);
    expect(embedding.similarity(vector({}), vector({}))).toBe(0);
  });

  it("takes a BM25 encoder, whose queries and documents differ", async () => {
    const keywords = new Bm25Encoder();
    await keywords.fit(texts);
    const bm25 = new SparseEmbedding({ encoder: keywords });
    expect(await bm25.getQueryEmbedding("lovely weather")).toEqual(
      await keywords.encodeQuery("lovely weather"),
    );
    expect(await bm25.getTextEmbeddings(texts)).toEqual([...(await keywords.encodeDocument(texts))]);
  });

  it("refuses bad input, and stops when it is told to", async () => {
    const signal = AbortSignal.abort();
    await expect(embedding.getQueryEmbedding("a", { signal })).rejects.toMatchObject({ code: "ABORTED" });
    await expect(embedding.getTextEmbeddings(["a"], { signal })).rejects.toMatchObject({ code: "ABORTED" });
    await expect(embedding.getTextEmbedding(5 as never)).rejects.toMatchObject({ code: "INVALID_TEXT" });
    await expect(embedding.getAggEmbeddingFromQueries([])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(() => new SparseEmbedding({ encoder: {} as never })).toThrow(/encodeQuery and encodeDocument/);
    expect(() => new SparseEmbedding({ encoder, embedBatchSize: 0 })).toThrow(/embedBatchSize/);
    expect(() => new SparseEmbedding({ encoder, model: "x" } as never)).toThrow(/Valid options: encoder/);
    expect(() => new SparseEmbedding(undefined as never)).toThrow(/options must be an object/);
    const closed = new FakeSparseEncoder();
    await closed.close();
    await expect(new SparseEmbedding({ encoder: closed }).getTextEmbedding("a")).rejects.toMatchObject({
      code: "CLOSED",
    });
  });
});

describe("DenseEmbedding", () => {
  it("gives what a DenseEncoder gives, as arrays of numbers", async () => {
    const encoder = await DenseEncoder.load(goldenModelFolder("dense-mean-normalize"));
    const embedding = new DenseEmbedding({ encoder });
    const query = await embedding.getQueryEmbedding({ type: "text", text: "a query" });
    expect(query).toEqual([...(await encoder.encodeQuery("a query"))]);
    expect(embedding.embedInfo).toEqual({ dimensions: encoder.embeddingDimension });
    await encoder.close();
  });

  it("is an embedding of LlamaIndex: batches, progress, a transformation of nodes", async () => {
    const encoder = new FakeDenseEmbedder();
    const encode = vi.spyOn(encoder, "encodeDocument");
    const embedding = new DenseEmbedding({ encoder, embedBatchSize: 2 });
    expect(embedding).toBeInstanceOf(BaseEmbedding);
    const progress: number[][] = [];
    const texts = ["a", "b", "c"];
    const vectors = await embedding.getTextEmbeddingsBatch(texts, {
      progressCallback: (...numbers) => progress.push(numbers),
    });
    expect(vectors).toEqual(Array.from(await encoder.encode(texts), (row) => [...row]));
    expect(encode).toHaveBeenCalledTimes(2);
    expect(progress).toEqual([
      [2, 3],
      [3, 3],
    ]);
    const node = new TextNode({ text: "body", metadata: { title: "Head" } });
    await embedding([node]);
    expect(node.embedding).toEqual([...(await encoder.encode(node.getContent(MetadataMode.EMBED)))]);
    expect(await embedding.getQueryEmbedding({ type: "text", text: "" })).toBeNull();
    expect(await embedding.getQueryEmbedding({ type: "image_url", image_url: { url: "data:," } })).toBeNull();
  });

  it("hands all texts of a call to the encoder, unless a batch size is set", async () => {
    const encoder = new FakeDenseEmbedder();
    const encode = vi.spyOn(encoder, "encodeDocument");
    await new DenseEmbedding({ encoder }).getTextEmbeddingsBatch(Array.from({ length: 50 }, String));
    expect(encode).toHaveBeenCalledTimes(1);
  });

  it("refuses bad options", () => {
    expect(() => new DenseEmbedding({ encoder: 5 as never })).toThrow(/encoder must have/);
    expect(() => new DenseEmbedding({ encoder: new FakeDenseEmbedder(), embedBatchSize: 1.5 })).toThrow(
      /embedBatchSize/,
    );
  });
});

it("NoDenseEmbedding gives empty embeddings", async () => {
  const embedding = new NoDenseEmbedding();
  const [node] = await embedding([new TextNode({ text: "x" })]);
  expect(node!.embedding).toEqual([]);
  expect(await embedding.getTextEmbedding()).toEqual([]);
  expect(await embedding.getQueryEmbedding({ type: "text", text: "x" })).toEqual([]);
});
