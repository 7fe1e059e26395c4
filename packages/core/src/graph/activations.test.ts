import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { activation } from "./layers.ts";
import { OnnxGraph } from "./onnx/onnx-graph.ts";

/** The functions of torch at -2, -0.5, 0, 1 and 7, to six decimals. */
const expected: Readonly<Record<string, number[]>> = {
  gelu: [-0.0455, -0.154269, 0.0, 0.841345, 7.0],
  gelu_python: [-0.0455, -0.154269, 0.0, 0.841345, 7.0],
  gelu_new: [-0.045402, -0.154286, 0.0, 0.841192, 7.0],
  gelu_fast: [-0.045402, -0.154286, 0.0, 0.841192, 7.0],
  gelu_accurate: [-0.045402, -0.154286, 0.0, 0.841192, 7.0],
  gelu_pytorch_tanh: [-0.045402, -0.154286, 0.0, 0.841192, 7.0],
  gelu_python_tanh: [-0.045402, -0.154286, 0.0, 0.841192, 7.0],
  quick_gelu: [-0.064341, -0.149612, 0.0, 0.845796, 6.999953],
  relu: [0.0, 0.0, 0.0, 1.0, 7.0],
  relu2: [0.0, 0.0, 0.0, 1.0, 49.0],
  relu6: [0.0, 0.0, 0.0, 1.0, 6.0],
  leaky_relu: [-0.02, -0.005, 0.0, 1.0, 7.0],
  mish: [-0.252501, -0.220744, 0.0, 0.865098, 6.999989],
  silu: [-0.238406, -0.18877, 0.0, 0.731059, 6.993623],
  swish: [-0.238406, -0.18877, 0.0, 0.731059, 6.993623],
  tanh: [-0.964028, -0.462117, 0.0, 0.761594, 0.999998],
  sigmoid: [0.119203, 0.377541, 0.5, 0.731059, 0.999089],
  linear: [-2.0, -0.5, 0.0, 1.0, 7.0],
};

it.each(Object.entries(expected))("%s equals the function of torch", async (name, values) => {
  const graph = new OnnxGraph();
  graph.output("output", activation(graph, name, graph.input("input", "float32", [5])), "float32", [5]);
  const session = await InferenceSession.create(graph.finish());
  const input = new Tensor("float32", Float32Array.of(-2, -0.5, 0, 1, 7), [5]);
  const { output } = await session.run({ input });
  await session.release();
  const got = output!.data as Float32Array;
  for (const [place, value] of values.entries()) expect(got[place]).toBeCloseTo(value, 5);
});
