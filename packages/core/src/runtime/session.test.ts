import { tmpdir } from "node:os";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, expect, it, vi } from "vitest";
import { OnnxGraph } from "../graph/onnx/onnx-graph.ts";
import { cpu } from "./device/device.ts";
import type { EncodeBatch } from "./messages.ts";
import { ModelError } from "./model-error.ts";
import { Session } from "./session.ts";

afterEach(() => vi.restoreAllMocks());

/** A model that gives the token ids of each text as its embedding. */
function idsModel(): Uint8Array {
  const graph = new OnnxGraph();
  const numbers = graph.op("Cast", [graph.input("ids", "int32", ["batch", "length"])], { to: 1 });
  graph.output("logits", numbers, "float32", ["batch", "length"]);
  graph.output("embeddings", numbers, "float32", ["batch", "length"]);
  return graph.finish();
}

function openSession(bytes: Uint8Array, sparse: boolean): Promise<Session> {
  const model = {
    bytes,
    shortBytes: undefined,
    exportFile: undefined,
    weightsFolder: tmpdir(),
    inputs: ["ids"],
    prepack: false,
    sparse,
    givesDims: false,
    dimension: 3,
  };
  const gate = new SharedArrayBuffer(0);
  return Session.open(
    { model, device: cpu, threads: 1, aloneThreads: 1, opensAlone: true, gate },
    "whole",
    1,
  );
}

function batchOf(...texts: number[][]): EncodeBatch {
  const lengths = Int32Array.from(texts, (ids) => ids.length);
  return { ids: Int32Array.from(texts.flat()), lengths, maxActiveDims: 0, skippedTokens: 0, alone: false };
}

it("asks the runtime for embeddings only, whatever else a model gives", async () => {
  const bytes = idsModel();
  const session = await openSession(bytes, true);
  const another = await InferenceSession.create(bytes);
  const run = vi.spyOn(Object.getPrototypeOf(another) as InferenceSession, "run");
  const rows = await session.encode(batchOf([0, 7, 0], [5, 0, 6]));
  expect(rows).toEqual({
    offsets: Uint32Array.of(0, 1, 3),
    indices: Uint32Array.of(1, 0, 2),
    values: Float32Array.of(7, 5, 6),
  });
  expect(run).toHaveBeenCalledExactlyOnceWith(expect.anything(), ["embeddings"]);
  await session.release();
  await another.release();
});

it.each([true, false])("refuses embeddings of another width than promised (sparse: %s)", async (sparse) => {
  const session = await openSession(idsModel(), sparse);
  for (const texts of [
    [[1, 2]],
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
  ]) {
    const encoding = session.encode(batchOf(...texts));
    await expect(encoding).rejects.toThrow(ModelError);
    await expect(encoding).rejects.toThrow(
      `gives embeddings of ${texts[0]!.length} dimensions, but its settings promise 3`,
    );
  }
  await session.encode(batchOf([1, 2, 3]));
  await session.release();
});
