import {
  HybridRetriever,
  MemoryStore,
  RemoteDenseEncoder,
  type RemoteEncoderOptions,
  RemoteSparseEncoder,
} from "@sparse-encoder/core";
import { SparseEmbeddings } from "@sparse-encoder/langchain";
import { SparseEmbedding } from "@sparse-encoder/llamaindex";
import { afterEach, describe, expect, it } from "vitest";
import { FakeInferenceServer } from "../fakes/fake-inference-server.ts";

const servers: FakeInferenceServer[] = [];

async function open(options: Parameters<typeof RemoteSparseEncoder.open>[1] = {}) {
  const server = new FakeInferenceServer();
  servers.push(server);
  const url = await server.start();
  return { server, url, encoder: await RemoteSparseEncoder.open(url, { dimension: 6, ...options }) };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

describe("RemoteSparseEncoder, on a fake of text-embeddings-inference,", () => {
  it("asks for no more texts at once than the server takes, and keeps their order", async () => {
    const { server, encoder } = await open({ apiKey: "key", queryPromptName: "query" });
    const matrix = await encoder.encodeDocument(["a", "bb", "ccc", "dddd", "eeeee"]);
    expect(matrix.shape).toEqual([5, 6]);
    expect(matrix.toRows().map((row) => [...row])).toEqual(
      [1, 2, 3, 4, 5].map((length) => [
        [1, length],
        [3, 0.5],
      ]),
    );
    expect(server.bodies.map(({ inputs }) => inputs.length).sort()).toEqual([1, 2, 2]);
    expect(server.bodies.every((body) => body.truncate === true && !("prompt_name" in body))).toBe(true);
    expect(new Set(server.keys)).toEqual(new Set(["Bearer key"]));
    const query = await encoder.encodeQuery("ab");
    expect([...query]).toEqual([
      [1, 2],
      [3, 0.5],
    ]);
    expect(server.bodies.at(-1)!.prompt_name).toBe("query");
    expect((await encoder.encode([])).shape).toEqual([0, 6]);
  });

  it("cuts weights itself where the server does not", async () => {
    const { encoder } = await open({ maxActiveDims: 1 });
    expect([...(await encoder.encode("abc"))]).toEqual([[1, 3]]);
  });

  it("serves retrievers and both adapters", async () => {
    const { encoder } = await open();
    const store = new MemoryStore();
    const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } } });
    await retriever.add([
      { id: "short", text: "a" },
      { id: "long", text: "aaaa" },
    ]);
    expect((await retriever.retrieve("aa")).map(({ id, score }) => [id, score])).toEqual([
      ["long", expect.any(Number)],
      ["short", expect.any(Number)],
    ]);
    expect(await new SparseEmbeddings({ encoder }).embedQuery("ab")).toEqual({
      indices: [1, 3],
      values: [2, 0.5],
    });
    const embedding = new SparseEmbedding({ encoder });
    expect(JSON.stringify(await embedding.getQueryEmbedding("ab"))).toContain("[2,0.5]");
  });

  it("tries again after a lost connection, an overload and a proxy's error", async () => {
    const { server, encoder } = await open({ batchSize: 2 });
    server.instead.push(
      { isCut: true },
      { status: 429, body: { error: "full" }, headers: { "retry-after": "0" } },
      { status: 502, body: "<html>" },
    );
    expect((await encoder.encode(["a"])).shape).toEqual([1, 6]);
    expect(server.bodies).toHaveLength(4);
  });

  it.each([
    [
      "a refusal",
      { status: 422, body: { error: "`inputs` is wrong", error_type: "Validation" } },
      "REMOTE_REFUSED",
      /answered 422: `inputs` is wrong/,
    ],
    ["a wrong key", { status: 401, body: { error: { message: "no key" } } }, "REMOTE_REFUSED", /401: no key/],
    ["a server that stays full", { status: 503, body: "busy" }, "NETWORK", /503: busy/],
    ["no JSON", { body: "<html>" }, "REMOTE_INVALID", /not JSON/],
    ["too few embeddings", { body: [] }, "REMOTE_INVALID", /not an array of 1 embeddings/],
    ["a dim beyond the width", { body: [[{ index: 6, value: 1 }]] }, "REMOTE_INVALID", /position 0/],
    [
      "a dim twice",
      {
        body: [
          [
            { index: 1, value: 1 },
            { index: 1, value: 2 },
          ],
        ],
      },
      "REMOTE_INVALID",
      /position 0/,
    ],
    [
      "a weight that is none",
      { body: [[{ index: 1, value: "1" }]] },
      "REMOTE_INVALID",
      /an index and a value/,
    ],
    ["a dense vector", { body: [[0.1]] }, "REMOTE_INVALID", /an index and a value/],
    ["an answer that never comes", { isHung: true }, "TIMEOUT", /longer than its 200 ms/],
  ])("names %s", async (_case, answer, code, message) => {
    const { server, encoder } = await open({ retries: 0, timeout: 200 });
    server.instead.push(answer);
    await expect(encoder.encode("a")).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("ends on a signal and after close", async () => {
    const { server, encoder } = await open();
    server.instead.push({ isHung: true });
    const stop = new AbortController();
    const call = encoder.encode("a", { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(call).rejects.toMatchObject({ code: "ABORTED" });
    await encoder.close();
    await expect(encoder.encode("a")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it.each([
    ["no address", "encoder:8080", {}, "INVALID_ARGUMENT", /url must be an address such as http/],
    ["an unknown option", "http://127.0.0.1:1", { retires: 1 }, "UNKNOWN_OPTION", /retires/],
  ])("refuses %s", async (_case, url, options, code, message) => {
    await expect(RemoteSparseEncoder.open(url, options as RemoteEncoderOptions)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("says that a server is not there", async () => {
    const { server, url } = await open();
    server.stop();
    await expect(RemoteSparseEncoder.open(url, { retries: 0 })).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringMatching(/cannot be reached: .*ECONNREFUSED/),
    });
  });

  it("asks for the width where nobody tells it", async () => {
    const { url } = await open();
    await expect(RemoteSparseEncoder.open(url)).rejects.toThrow(
      /give the option dimension, for BERT models 30522/,
    );
  });
});

describe("RemoteDenseEncoder, on a fake of text-embeddings-inference,", () => {
  it("learns the width and stacks the rows", async () => {
    const { url } = await open();
    await using encoder = await RemoteDenseEncoder.open(url);
    expect(encoder.embeddingDimension).toBe(3);
    expect((await encoder.encodeDocument(["a", "bb", "ccc"])).toJSON()).toEqual([
      [1, 0, 1],
      [2, 0, 1],
      [3, 0, 1],
    ]);
  });
});
