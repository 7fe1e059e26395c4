import type { Building } from "../layers.ts";
import type { Value } from "../onnx/onnx-graph.ts";
import type { HiddenStates } from "../transformer.ts";

/**
 * Adds one weight per token, relu of a linear layer, in float32 whatever the tokens were computed in: [B, S].
 *
 * @param building with the tensors of the layer
 */
export function addTokenWeights(
  { graph, tensors }: Building,
  hidden: HiddenStates,
  hiddenSize: number,
): Value {
  const computed = graph.floatType;
  graph.computeIn("float32");
  const tokens = graph.asFloat(hidden.tokens, computed);
  const weight = graph.weight(tensors.get("weight", [1, hiddenSize]));
  const bias = graph.weight(tensors.get("bias", [1]));
  const linear = graph.op("Gemm", [tokens, weight, bias], { transB: 1 });
  const weights = graph.op("Max", [graph.op("Reshape", [linear, hidden.batchShape]), graph.scalar(0)]);
  graph.computeIn(computed);
  return weights;
}
