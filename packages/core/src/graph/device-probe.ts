import { OnnxGraph } from "./onnx/onnx-graph.ts";

/** The smallest model worth running, which tells whether a device works: adds 1 to each number of `x`. */
export function deviceProbe(): Uint8Array {
  const graph = new OnnxGraph();
  const x = graph.input("x", "float32", ["n"]);
  graph.output("embeddings", graph.op("Add", [x, graph.scalar(1)]), "float32", ["n"]);
  return graph.finish();
}
