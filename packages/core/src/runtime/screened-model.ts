import type { InferenceSession } from "onnxruntime-node";
import type { ScreenedModel } from "./pooled-model.ts";

/**
 * The bytes of a screened model, in pieces: its graph, and the tables that are computed here.
 *
 * @param options of the session that will run the model
 */
export async function completeScreenedModel(
  { bytes, tables }: ScreenedModel,
  runtime: typeof InferenceSession,
  options: InferenceSession.SessionOptions,
): Promise<Uint8Array[]> {
  // Without inputs all of it is constant: optimised, it would be computed while it is opened, with all its steps kept.
  const session = await runtime.create(tables.model, { ...options, graphOptimizationLevel: "disabled" });
  const outputs = await session.run({});
  await session.release();
  const parts = tables.parts.flatMap(({ start, output, from, to }) => {
    const part = (outputs[output]!.data as Float32Array | Int8Array).subarray(from, to);
    return [start, new Uint8Array(part.buffer, part.byteOffset, part.byteLength)];
  });
  return [bytes, ...parts];
}
