import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
  DenseEncoder,
  exhaustiveSearch,
  HybridRetriever,
  InvertedIndex,
  MemoryStore,
  SparseEncoder,
  SparseMatrix,
  SparseVector,
} from "@sparse-encoder/core";
import { TripletEvaluator } from "@sparse-encoder/core/evaluation";
import {
  copyStore,
  MilvusStore,
  OpenSearchStore,
  PostgresStore,
  parseFilter,
  QdrantStore,
} from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";

/** Calls as JavaScript and other libraries make them, which the types would refuse. */
type Loose = Record<string, (...parameters: unknown[]) => Promise<unknown>>;

const loose = (value: unknown): Loose => value as Loose;
const construct = (Class: unknown, ...parameters: unknown[]): unknown =>
  Reflect.construct(Class as new () => unknown, parameters);

let encoder: SparseEncoder;

beforeAll(async () => {
  encoder = await SparseEncoder.load();
});

afterAll(() => encoder.close());

describe("new, where load or open is meant", () => {
  it.each([
    ["SparseEncoder", SparseEncoder, "await SparseEncoder.load('naver/splade-v3')"],
    ["DenseEncoder", DenseEncoder, "await DenseEncoder.load('naver/splade-v3')"],
    ["PostgresStore", PostgresStore, "await PostgresStore.open("],
    ["QdrantStore", QdrantStore, "await QdrantStore.open("],
    ["MilvusStore", MilvusStore, "await MilvusStore.open("],
    ["OpenSearchStore", OpenSearchStore, "await OpenSearchStore.open("],
  ])("is answered for %s", (_, Class, answer) => {
    expect(() => construct(Class, "naver/splade-v3")).toThrow(answer);
    expect(() => construct(Class)).toThrow("not made by new");
  });

  it.each([PostgresStore, QdrantStore, MilvusStore, OpenSearchStore])(
    "%o opened without options names one",
    async (Class) => {
      for (const options of [undefined, null, "localhost", []]) {
        await expect(loose(Class).open!(options)).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining("options must be an object such as { "),
        });
      }
    },
  );
});

describe("a model", () => {
  it("is the embedded one where only options are given", async () => {
    const other = await SparseEncoder.load({ maxActiveDims: 3 });
    expect((await other.encode("a cat sat on a mat")).activeDims).toBe(3);
    await other.close();
    await expect(loose(SparseEncoder).load!({ maxActiveDim: 3 })).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
    });
    await expect(loose(SparseEncoder).load!(5)).rejects.toThrow("the path of a model folder");
    await expect(loose(SparseEncoder).load!(null)).rejects.toThrow("the path of a model folder");
  });

  it("is found by a URL and by the text of one", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "ü 日本 #%20-"));
    const link = path.join(folder, "a model");
    symlinkSync(goldenModelFolder("bert-short"), link, "junction");
    for (const address of [pathToFileURL(link), pathToFileURL(link).href]) {
      await (await SparseEncoder.load(address)).close();
    }
    rmSync(folder, { recursive: true });
  });

  it.each([
    ["https://huggingface.co/naver/splade-v3", "naver/splade-v3", "main"],
    ["https://huggingface.co/naver/splade-v3/", "naver/splade-v3", "main"],
    ["https://hf.co/naver/splade-v3?library=sentence-transformers", "naver/splade-v3", "main"],
    ["https://huggingface.co/naver/splade-v3/tree/v1.0", "naver/splade-v3", "v1.0"],
    ["https://huggingface.co/naver/splade-v3/blob/main/config.json", "naver/splade-v3", "main"],
    ["hf://naver/splade-v3", "naver/splade-v3", "main"],
  ])("of the hub is named by its address %s", async (address, name, revision) => {
    await expect(SparseEncoder.load(address, { localFilesOnly: true })).rejects.toMatchObject({
      code: "HUB_OFFLINE",
      message: expect.stringContaining(`"${name}" at ${revision}`),
    });
  });

  it.each(["https://example.com/model", "https://huggingface.co/datasets/mteb/nq", "s3://bucket/model"])(
    "is not taken from %s",
    async (address) => {
      await expect(SparseEncoder.load(address)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("is not the address of a model"),
      });
    },
  );
});

describe("values of other libraries", () => {
  it.each([
    [{ device: "mps" }, "Did you mean coreml"],
    [{ device: "gpu" }, "Did you mean cuda?"],
    [{ device: "CUDA:1" }, "Did you mean cuda:1?"],
    [{ dtype: "q8" }, "Did you mean int8?"],
    [{ dtype: "float32" }, "Did you mean fp32?"],
    [{ dtype: "INT8" }, "Did you mean int8?"],
    [{ max_seq_length: 3 }, "Did you mean maxSeqLength?"],
    [{ cache_folder: "x" }, "Did you mean cacheDir?"],
    [{ quantized: true }, "Did you mean dtype?"],
  ])("are answered with ours: load(%o)", async (options, answer) => {
    await expect(loose(SparseEncoder).load!(options)).rejects.toThrow(answer);
  });

  it("cpu:0 is the CPU", async () => {
    const other = await SparseEncoder.load({ device: "cpu:0" });
    expect(other.describe().device).toBe("cpu");
    await other.close();
  });

  it("k and topK are answered with the name that the call takes", async () => {
    const vector = new SparseVector([1], [1], 8);
    expect(() => loose(new InvertedIndex(8)).search!(vector, { k: 3 })).toThrow("Did you mean topK?");
    const retriever = new HybridRetriever({ arms: { sparse: { encoder, store: new MemoryStore() } } });
    await expect(loose(retriever).retrieve!("text", { topK: 3 })).rejects.toThrow("Did you mean k?");
    await expect(loose(retriever).add!(["text"])).rejects.toThrow(
      "Document 0 must be an object such as { id, text }",
    );
    await expect(loose(retriever).add!([{ id: "1", pageContent: "text" }])).rejects.toThrow(
      "its pageContent belongs into text",
    );
  });

  it("a pool is closed like an encoder, and limits are checked when they are set", async () => {
    const pool = await encoder.startPool(["cpu"]);
    await pool.close();
    await expect(encoder.encode("text", { pool })).rejects.toMatchObject({ code: "CLOSED" });
    expect(() => Object.assign(encoder, { maxActiveDims: "x" })).toThrow(
      "maxActiveDims must be a whole number",
    );
    encoder.maxActiveDims = 5;
    expect((await encoder.encode("a cat sat on a mat")).activeDims).toBe(5);
    encoder.maxActiveDims = undefined;
  });
});

describe("filters of other systems", () => {
  it.each([
    [{ year: { gte: 2020 } }, "'gte' is written $gte here"],
    [{ year: { ">=": 2020 } }, "'>=' is written $gte here"],
    [{ year: { $like: "x" } }, "'$like' is written $contains here"],
    [{ must: [{ key: "year", range: { gte: 2020 } }] }, "'must' is written $and here"],
    [{ should: [{ key: "year", match: { value: 2020 } }] }, "'should' is written $or here"],
    [{ must_not: [{ key: "year", match: { value: 2020 } }] }, "'must_not' is written $not here"],
    [{ AND: [{ year: 2020 }] }, "'AND' is written $and here"],
    [{ or: [{ year: 2020 }] }, "'or' is written $or here"],
    [
      { filters: [{ key: "year", value: 2020, operator: "==" }], condition: "and" },
      "'filters' is written $and here",
    ],
    [{ bool: { filter: [{ term: { year: 2020 } }] } }, "'bool' is a clause of OpenSearch"],
    [{ term: { year: 2020 } }, "'term' is a clause of OpenSearch"],
  ])("%o is answered with ours", (filter, answer) => {
    expect(() => parseFilter(filter as never)).toThrow(answer);
  });

  it.each([
    [{ filter: "x" }],
    [{ all: { $gte: 2020 } }],
    [{ range: 5 }],
    [{ and: { $exists: true } }],
    [{ "must.year": 2020 }],
  ])("fields may have such names: %o", (filter) => {
    expect(() => parseFilter(filter as never)).not.toThrow();
  });
});

describe("what is missing is named", () => {
  it.each([
    ["copyStore()", () => loose({ copyStore }).copyStore!(), "from must be a store"],
    [
      "exhaustiveSearch()",
      async () => loose({ exhaustiveSearch }).exhaustiveSearch!(),
      "documents must be pairs",
    ],
    ["new TripletEvaluator()", async () => construct(TripletEvaluator), "is missing"],
    [
      "fromRows([[1, 2]])",
      async () => SparseMatrix.fromRows([[1, 2]] as never),
      "read by SparseMatrix.fromDense",
    ],
    ["encode()", () => loose(encoder).encode!(), "expected a string or an array of strings"],
  ])("%s", async (_, call, answer) => {
    await expect(call()).rejects.toThrow(answer);
  });
});
