import { tmpdir } from "node:os";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, expect, it, vi } from "vitest";
import { OnnxGraph } from "../graph/onnx-graph.ts";
import { cpu } from "./device.ts";
import { Session } from "./session.ts";

afterEach(() => vi.restoreAllMocks());

it("asks the runtime for embeddings alone, whatever else a model gives", async () => {
  const graph = new OnnxGraph();
  const numbers = graph.op("Cast", [graph.input("ids", "int32", ["batch", "length"])], { to: 1 });
  graph.output("logits", numbers, "float32", ["batch", "length"]);
  graph.output("embeddings", numbers, "float32", ["batch", "length"]);
  const model = graph.finish();
  const session = await Session.open(
    {
      model,
      shortModel: undefined,
      screened: undefined,
      exportFile: undefined,
      weightsFolder: tmpdir(),
      inputs: ["ids"],
      prepack: false,
      sparse: true,
      givesDims: false,
      device: cpu,
      threads: 1,
      aloneThreads: 1,
      opensAlone: true,
      gate: new SharedArrayBuffer(0),
    },
    "whole",
    1,
  );
  const another = await InferenceSession.create(model);
  const run = vi.spyOn(Object.getPrototypeOf(another) as InferenceSession, "run");
  const rows = await session.encode({
    ids: Int32Array.of(0, 7, 0, 5, 0, 6),
    lengths: Int32Array.of(3, 3),
    maxActiveDims: 0,
    skippedTokens: 0,
    alone: false,
  });
  expect(rows).toEqual({
    offsets: Uint32Array.of(0, 1, 3),
    indices: Uint32Array.of(1, 0, 2),
    values: Float32Array.of(7, 5, 6),
  });
  expect(run).toHaveBeenCalledExactlyOnceWith(expect.anything(), ["embeddings"]);
  await session.release();
  await another.release();
});
