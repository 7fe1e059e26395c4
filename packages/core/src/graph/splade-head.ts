import { SparseEncoderError } from "../errors.ts";
import type { SpladePooling, TensorTable } from "../model/index.ts";
import type { Family, TransformerShape } from "./families.ts";
import { activation, layerNorm, linear } from "./layers.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";
import type { HiddenStates } from "./transformer.ts";

/**
 * Vocabulary rows a chunk of the decoder. Small enough that a chunk's scores stay in the cache until they are
 * reduced; the decision record on the head has the measurements.
 */
const chunkRows = 1024;

/**
 * Adds the masked-LM head with SPLADE max pooling: [B, V], float32, never negative.
 *
 * The reference computes max over tokens of log(1 + relu(logit x mask)). Relu, log1p and adding the bias of a
 * vocabulary entry all keep order, so the maximum is taken first, over the bare products of one vocabulary
 * chunk at a time, and the rest is done once an entry instead of once a token. Neither the logits [B, S, V] nor
 * their activations ever exist whole. Padding is neutral because its hidden states are replaced by those of the
 * first token, whose product is in the maximum anyway.
 */
export function addSpladeHead(
  graph: OnnxGraph,
  family: Family,
  shape: TransformerShape,
  pooling: SpladePooling,
  tensors: TensorTable,
  hidden: HiddenStates,
): Value {
  if (pooling.strategy !== "max" || pooling.activation !== "relu") {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `SPLADE pooling "${pooling.strategy}" with activation "${pooling.activation}" is not supported yet. Supported: "max" with "relu".`,
    );
  }
  const { hiddenSize, vocabularySize } = shape;
  const { head, prefix, words } = family.names;
  const filled = replacePadding(graph, hidden, hiddenSize);
  const dense = linear(graph, tensors, head.dense, filled, hiddenSize, hiddenSize);
  const active = activation(graph, shape.activation, dense);
  const tokens = layerNorm(graph, tensors, head.norm, active, hiddenSize, shape.normEpsilon);

  const decoder = tensors.get(shape.tiedDecoder ? prefix + words : head.decoder, [
    vocabularySize,
    hiddenSize,
  ]);
  const pooled: Value[] = [];
  for (let start = 0; start < vocabularySize; start += chunkRows) {
    const end = Math.min(start + chunkRows, vocabularySize);
    const products = graph.op("Gemm", [graph.weight(decoder, [start, end]), tokens], { transB: 1 });
    const byText = graph.op("Reshape", [
      products,
      graph.op("Concat", [graph.integers(end - start), hidden.batchShape], { axis: 0 }),
    ]);
    pooled.push(graph.op("ReduceMax", [byText, graph.integers(2)], { keepdims: 0 }));
  }
  const maxima = graph.op("Transpose", [graph.op("Concat", pooled, { axis: 0 })], { perm: [1, 0] });
  const bias = graph.weight(tensors.get(head.bias, [vocabularySize]));
  const relu = graph.op("Relu", [graph.op("Add", [maxima, bias])]);
  return graph.op("Log", [graph.op("Add", [relu, graph.scalar(1)])]);
}

/** Puts the hidden state of each text's first token where its padding stands: [B x S, H] to [B x S, H]. */
function replacePadding(graph: OnnxGraph, hidden: HiddenStates, hiddenSize: number): Value {
  const states = graph.op("Reshape", [
    hidden.tokens,
    graph.op("Concat", [hidden.batchShape, graph.integers(hiddenSize)], { axis: 0 }),
  ]);
  const first = graph.op("Slice", [states, graph.integers(0), graph.integers(1), graph.integers(1)]);
  const mask = graph.op("Unsqueeze", [hidden.mask, graph.integers(2)]);
  return graph.op("Reshape", [graph.op("Where", [mask, states, first]), graph.integers(-1, hiddenSize)]);
}
