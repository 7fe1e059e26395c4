import { fileURLToPath } from "node:url";
import {
  DenseEncoder,
  RemoteDenseEncoder,
  RemoteSparseEncoder,
  SparseEncoder,
  SparseMatrix,
  type SparseVector,
} from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { type RunningServer, startServer } from "./running-server.ts";

const denseModel = fileURLToPath(new URL("../../examples/models/all-minilm-l6-v2", import.meta.url));
const texts = ["cheap flights to Rome", "", "a", "The boundary layer of a swept wing.", "Penguins swim."];
let server: RunningServer;

beforeAll(async () => {
  server = await startServer(["--dense", denseModel, "--max-texts", "2"], {
    SPARSE_ENCODER_API_KEY: "secret",
  });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe("remote encoders on a server of this library", () => {
  it("give the sparse vectors of the model, its width and its vocabulary", async () => {
    await using local = await SparseEncoder.load();
    await using remote = await RemoteSparseEncoder.open(server.url, { apiKey: "secret" });
    expect(remote.embeddingDimension).toBe(local.embeddingDimension);
    for (const call of ["encode", "encodeQuery", "encodeDocument"] as const) {
      const matrix = await remote[call](texts);
      expect(matrix.equals(await local[call](texts), { absolute: 1e-4, relative: 1e-4 }), call).toBe(true);
    }
    expect(remote.tokenOf(10036)).toBe(local.tokenOf(10036));
  });

  it("give as many weights as were asked for", async () => {
    await using local = await SparseEncoder.load(undefined, { maxActiveDims: 4 });
    await using remote = await RemoteSparseEncoder.open(server.url, { apiKey: "secret", maxActiveDims: 4 });
    const vector = await remote.encodeQuery(texts[0]!);
    expect([...vector.indices]).toEqual([...(await local.encodeQuery(texts[0]!)).indices]);
  });

  it("give the dense vectors of the model, of length 1", async () => {
    await using local = await DenseEncoder.load(denseModel);
    await using remote = await RemoteDenseEncoder.open(server.url, { apiKey: "secret" });
    const [matrix, expected] = [
      await remote.encodeDocument(texts),
      await local.encodeDocument(texts, { normalize: true }),
    ];
    expect(matrix.shape).toEqual([texts.length, 384]);
    for (const [place, value] of matrix.values.entries())
      expect(value).toBeCloseTo(expected.values[place]!, 4);
  });

  it("stream, compare and decode as the model on this machine does", async () => {
    await using local = await SparseEncoder.load();
    await using remote = await RemoteSparseEncoder.open(server.url, { apiKey: "secret", batchSize: 2 });
    const rows: SparseVector[] = [];
    for await (const vector of remote.encodeStream(texts, { task: "query" })) rows.push(vector);
    const [matrix, expected] = [SparseMatrix.fromRows(rows), await local.encodeQuery(texts)];
    expect(matrix.equals(expected, { absolute: 1e-4, relative: 1e-4 })).toBe(true);
    expect(remote.similarityFunction).toBe(local.similarityFunction);
    const scores = local.similarity(expected, expected).flatMap((row) => [...row]);
    for (const [place, score] of remote
      .similarity(matrix, matrix)
      .flatMap((row) => [...row])
      .entries())
      expect(score).toBeCloseTo(scores[place]!, 2);
    const pieces = (encoder: SparseEncoder | RemoteSparseEncoder) =>
      encoder.decode(expected.row(0), { topK: 5 }).map(([piece]) => piece);
    expect(pieces(remote)).toEqual(pieces(local));
    expect(remote.describe()).toMatchObject({ model: "splade-tiny", dimension: 30522, maxSeqLength: 512 });
  });

  it("put a prompt in place of the model's", async () => {
    await using local = await SparseEncoder.load();
    await using remote = await RemoteSparseEncoder.open(server.url, { apiKey: "secret" });
    const options = { prompt: "a question: " };
    const [vector, expected] = [
      await remote.encodeQuery("Where?", options),
      await local.encodeQuery("Where?", options),
    ];
    expect(vector.equals(expected, { absolute: 1e-4, relative: 1e-4 })).toBe(true);
  });

  it("share texts among servers, and go on when one is killed", async () => {
    const env = { SPARSE_ENCODER_API_KEY: "secret" };
    await using local = await SparseEncoder.load();
    await using other = await startServer([], env);
    await using remote = await RemoteSparseEncoder.open([server.url, other.url], { apiKey: "secret" });
    const many = Array.from({ length: 400 }, (_, place) => `${texts[place % 5]} ${place}`);
    let isKilled = false;
    const matrix = await remote.encodeDocument(many, {
      onProgress: ({ done }) => {
        if (done < 100 || isKilled) return;
        isKilled = true;
        void other.stop("SIGKILL");
      },
    });
    expect(isKilled).toBe(true);
    const expected = await local.encodeDocument(many);
    expect(matrix.equals(expected, { absolute: 1e-4, relative: 1e-4 })).toBe(true);
  });

  it("refuse servers of different models", async () => {
    const env = { SPARSE_ENCODER_API_KEY: "secret" };
    await using other = await startServer(["--model", goldenModelFolder("bert-max-relu")], env);
    await expect(
      RemoteSparseEncoder.open([server.url, other.url], { apiKey: "secret" }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("say that the key is wrong", async () => {
    await expect(RemoteSparseEncoder.open(server.url, { apiKey: "wrong" })).rejects.toMatchObject({
      code: "REMOTE_REFUSED",
      message: expect.stringContaining("401: The API key is missing or wrong"),
    });
  });
});

describe("a server with a dense model", () => {
  const headers = { "content-type": "application/json", authorization: "Bearer secret" };
  const ask = (path: string, body: unknown, further: Record<string, string> = {}) =>
    server.ask(path, body, { method: "POST", headers: { ...headers, ...further } });

  it("gives cosines, and dense vectors at its address", async () => {
    await using local = await DenseEncoder.load(denseModel);
    const [source, ...sentences] = texts as [string, ...string[]];
    const response = await ask("/similarity", {
      inputs: { source_sentence: source, sentences: sentences.slice(0, 2) },
    });
    const answer = (await response.json()) as number[];
    const expected = local.similarity(
      await local.encode(source),
      await local.encode(sentences.slice(0, 2)),
    )[0]!;
    expect(answer).toHaveLength(2);
    for (const [place, cosine] of answer.entries()) expect(cosine).toBeCloseTo(expected[place]!, 4);
    const [root, route] = [await ask("/", { inputs: "a" }), await ask("/embed", { inputs: "a" })];
    expect(await root.json()).toEqual(await route.json());
  });

  it("asks for its key at its address too, but for the page", async () => {
    expect((await ask("/", { inputs: "a" }, { authorization: "" })).status).toBe(401);
    expect((await server.ask("/")).status).toBe(200);
  });
});
