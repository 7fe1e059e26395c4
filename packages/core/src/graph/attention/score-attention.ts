import { addDistanceScores, addDistances, type DistanceInputs } from "../disentangled.ts";
import type { Value } from "../onnx/onnx-graph.ts";
import { addReach, addRelativeBias, masked } from "../positions.ts";
import {
  type AttentionStates,
  scoreScale,
  shareHeads,
  type TransformerBuilding,
} from "../transformer-parts.ts";

/** What attention with all scores at once needs. */
export interface ScoreInputs {
  /** [B, 1, 1, S] or broader, added to the scores; the second one for layers with a window. */
  readonly bias: Value;
  readonly localBias: Value | undefined;
  readonly distances: DistanceInputs | undefined;
}

/** What the layers share. `mask` is true where a real token stands: [B, S]. */
export function addScoreInputs(
  transformer: TransformerBuilding,
  mask: Value,
  places: Value,
  batchShape: Value,
): ScoreInputs {
  const { graph, shape } = transformer;
  const bias = addMask(transformer, mask, places, false);
  return {
    bias:
      shape.relativeBuckets === undefined
        ? bias
        : graph.op("Add", [bias, addRelativeBias(transformer, places)]),
    localBias: shape.local && addMask(transformer, mask, places, true),
    distances: addDistances(transformer, places, batchShape),
  };
}

/** What forbids keys that a token must not attend to: [B, 1, 1 or S, S]. */
function addMask({ graph, shape }: TransformerBuilding, mask: Value, places: Value, isLocal: boolean): Value {
  const keys = graph.op("Unsqueeze", [mask, graph.integers(1, 2)]);
  const reach = addReach(graph, places, shape, isLocal);
  // One choice of both masks, not a sum of two biases: the sum would overflow where both forbid.
  const allowed = reach === undefined ? keys : graph.op("And", [keys, reach]);
  return graph.op("Where", [allowed, graph.scalar(0), graph.scalar(masked)]);
}

/** Attention with all scores at once: [B, heads of the part, S, D] each to [B, places of the queries, heads, D]. */
export function addScores(
  transformer: TransformerBuilding,
  inputs: ScoreInputs,
  batchShape: Value,
  number: number,
  states: AttentionStates,
): Value {
  const { graph, shape } = transformer;
  const local = shape.local?.layers[number] === true;
  const scale = scoreScale(shape);
  const key = shareHeads(transformer, batchShape, states.key);
  const value = shareHeads(transformer, batchShape, states.value);
  const query = graph.op("Mul", [states.query, graph.scalar(scale)]);
  const products = graph.op("MatMul", [query, graph.op("Transpose", [key], { perm: [0, 1, 3, 2] })]);
  const ofDistances =
    inputs.distances && addDistanceScores(transformer, inputs.distances, number, { query, key, scale });
  const scores = graph.op("Add", [
    ofDistances === undefined ? products : graph.op("Add", [products, ofDistances]),
    local ? (inputs.localBias ?? inputs.bias) : inputs.bias,
  ]);
  const mixed = graph.op("MatMul", [graph.op("Softmax", [scores], { axis: -1 }), value]);
  return graph.op("Transpose", [mixed], { perm: [0, 2, 1, 3] });
}
