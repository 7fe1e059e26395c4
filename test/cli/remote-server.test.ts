import { fileURLToPath } from "node:url";
import { DenseEncoder, RemoteDenseEncoder, RemoteSparseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

  it("say that the key is wrong", async () => {
    await expect(RemoteSparseEncoder.open(server.url, { apiKey: "wrong" })).rejects.toMatchObject({
      code: "REMOTE_REFUSED",
      message: expect.stringContaining("401: The API key is missing or wrong"),
    });
  });
});
