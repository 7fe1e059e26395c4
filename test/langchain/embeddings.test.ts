import { Bm25Encoder, SparseEncoder } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import { DenseEmbeddings, SparseEmbeddings } from "@sparse-encoder/langchain";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { refused } from "./vector-store-cases.ts";

const texts = ["The weather is lovely today.", "", "He drove to the stadium."];

describe("SparseEmbeddings of a model", () => {
  let embeddings: SparseEmbeddings;
  beforeAll(async () => {
    embeddings = await SparseEmbeddings.fromModel(undefined, { maxActiveDims: 16 });
  });
  afterAll(() => embeddings.close());

  it("gives one vector per text, of plain arrays of equal length, rising, none of weight 0", async () => {
    const vectors = await embeddings.embedDocuments(texts);
    expect(vectors).toHaveLength(texts.length);
    for (const vector of [...vectors, await embeddings.embedQuery(texts[0]!)]) {
      expect(Object.keys(vector)).toEqual(["indices", "values"]);
      expect([Array.isArray(vector.indices), Array.isArray(vector.values)]).toEqual([true, true]);
      expect(vector.indices).toHaveLength(vector.values.length);
      expect(vector.indices).toEqual([...new Set(vector.indices)].sort((a, b) => a - b));
      expect(vector.values.every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
      expect(structuredClone(vector)).toEqual(JSON.parse(JSON.stringify(vector)));
    }
    expect(vectors[0]!.indices).toHaveLength(16);
    expect(await embeddings.embedDocuments([])).toEqual([]);
  });

  it("gives what core gives", async () => {
    await using encoder = await SparseEncoder.load(undefined, { maxActiveDims: 16 });
    const documents = await encoder.encodeDocument(texts);
    expect(await embeddings.embedDocuments(texts)).toEqual(Array.from(documents, (row) => row.toJSON()));
    expect(await embeddings.embedQuery(texts[2]!)).toEqual((await encoder.encodeQuery(texts[2]!)).toJSON());
    const prompted = await embeddings.embedQuery("rain", { prompt: "weather: ", maxActiveDims: 4 });
    expect(prompted).toEqual(
      (await encoder.encodeQuery("rain", { prompt: "weather: ", maxActiveDims: 4 })).toJSON(),
    );
  });

  it("takes a signal, and refuses what is not a text or not an option", async () => {
    const signal = AbortSignal.abort();
    const error = await refused(embeddings.embedDocuments(texts, { signal }), "ABORTED", "aborted");
    expect(error.name).toBe("AbortError");
    await refused(embeddings.embedQuery("a", { signal }), "ABORTED", "aborted");
    await refused(embeddings.embedDocuments(["a", null as never]), "INVALID_TEXT", "position 1");
    await refused(
      embeddings.embedQuery("a", { size: 1 } as never),
      "UNKNOWN_OPTION",
      "unknown option 'size'",
    );
  });

  it("owns the model that it loaded", async () => {
    const own = await SparseEmbeddings.fromModel();
    await own.close();
    await own.close();
    await refused(own.embedQuery("a"), "CLOSED", "closed");
    await refused(SparseEmbeddings.fromModel("./no-such-folder"), "MODEL_NOT_FOUND", "no-such-folder");
  });
});

describe("SparseEmbeddings of an encoder", () => {
  it("asks it once a call, in two separate ways, and never closes it", async () => {
    const encoder = new FakeSparseEncoder();
    const [query, document] = [vi.spyOn(encoder, "encodeQuery"), vi.spyOn(encoder, "encodeDocument")];
    {
      await using embeddings = new SparseEmbeddings({ encoder });
      await embeddings.embedDocuments(Array.from({ length: 2000 }, (_, number) => `text ${number}`));
      expect([query.mock.calls.length, document.mock.calls.length]).toEqual([0, 1]);
      await embeddings.embedQuery("text");
      expect([query.mock.calls.length, document.mock.calls.length]).toEqual([1, 1]);
    }
    expect((await encoder.encode("open")).activeDims).toBe(1);
  });

  it("keeps queries and documents of BM25 apart", async () => {
    const encoder = new Bm25Encoder();
    await encoder.fit(["red apple apple", "green pear", "blue"]);
    const embeddings = new SparseEmbeddings({ encoder });
    const [document] = await embeddings.embedDocuments(["red apple apple"]);
    const query = await embeddings.embedQuery("red apple apple");
    expect(query.indices).toEqual(document!.indices);
    expect(query.values).not.toEqual(document!.values);
  });

  it("tries a failure no second time", async () => {
    const encodeDocument = vi.fn(async () => {
      throw new Error("broken");
    });
    const embeddings = new SparseEmbeddings({ encoder: { encodeDocument, encodeQuery: encodeDocument } });
    await expect(embeddings.embedDocuments(["a"])).rejects.toThrow("broken");
    expect(encodeDocument).toHaveBeenCalledTimes(1);
    await expect(embeddings.embedQuery("a")).rejects.toThrow("broken");
    expect(encodeDocument).toHaveBeenCalledTimes(2);
  });

  it("refuses what is not an encoder", async () => {
    const build = (params: unknown) => async () => new SparseEmbeddings(params as never);
    await refused(build(undefined)(), "INVALID_ARGUMENT", "encoder must have encodeQuery");
    await refused(build({ encoder: {} })(), "INVALID_ARGUMENT", "encoder must have encodeQuery");
    const unknown = { encoder: new FakeSparseEncoder(), model: "x" };
    await refused(build(unknown)(), "UNKNOWN_OPTION", "unknown option 'model'");
  });
});

describe("DenseEmbeddings", () => {
  it("give numbers in plain arrays, one call of the encoder for all texts", async () => {
    const encoder = new FakeDenseEmbedder({ dimension: 8 });
    const document = vi.spyOn(encoder, "encodeDocument");
    const embeddings = new DenseEmbeddings({ encoder });
    const vectors = await embeddings.embedDocuments(texts);
    expect(vectors).toEqual(Array.from(await encoder.encode(texts), (row) => Array.from(row)));
    expect(document).toHaveBeenCalledTimes(1);
    expect(await embeddings.embedQuery(texts[0]!)).toEqual(vectors[0]);
    await embeddings.close();
    await encoder.encode("open");
    const build = async () => new DenseEmbeddings({ encoder: {} as never });
    await refused(build(), "INVALID_ARGUMENT", "encoder must have encodeQuery");
  });

  it("load a model of sentence-transformers, and own it", async () => {
    const embeddings = await DenseEmbeddings.fromModel("test/fixtures/models/dense-cls");
    const [vector] = await embeddings.embedDocuments(["a text"]);
    expect(vector!.every((value) => Number.isFinite(value))).toBe(true);
    await embeddings.close();
    await refused(embeddings.embedQuery("a"), "CLOSED", "closed");
  });
});
