import type { TensorTable } from "../model/index.ts";
import type { Family, TransformerShape } from "./families.ts";
import { activation, layerNorm, linear } from "./layers.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";

/** What the encoder gives to a head. B = batch, S = padded length, H = hidden size. */
export interface HiddenStates {
  /** [B x S, H], float32. */
  readonly tokens: Value;
  /** [B, S], bool: true where a real token stands, false at padding on the right. */
  readonly mask: Value;
  /** int64 vector [B, S]. */
  readonly batchShape: Value;
}

/**
 * Adds a transformer encoder to the graph.
 *
 * Inputs: `ids`, int32 [B, S], padded on the right with any valid id; `lengths`, int32 [B], the number of real
 * tokens of each row. Attention never looks at padding. Every linear layer runs on [B x S, width].
 */
export function addTransformer(
  graph: OnnxGraph,
  family: Family,
  shape: TransformerShape,
  tensors: TensorTable,
): HiddenStates {
  const ids = graph.input("ids", "int32", ["batch", "length"]);
  const lengths = graph.input("lengths", "int32", ["batch"]);
  const { names } = family;
  const prefix = tensors.has(`${names.prefix}${names.words}`) ? names.prefix : "";
  const { hiddenSize } = shape;

  const batchShape = graph.op("Shape", [ids]);
  const length = graph.op("Gather", [batchShape, graph.integer(1)]);
  const positions = graph.op("Range", [graph.integer(0), length, graph.integer(1)]);
  const mask = graph.op("Less", [
    graph.op("Unsqueeze", [positions, graph.integers(0)]),
    graph.op("Unsqueeze", [graph.op("Cast", [lengths], { to: 7 }), graph.integers(1)]),
  ]);
  // Finite, like the reference: -Infinity would turn a fully masked row into NaN.
  const attentionBias = graph.op("Unsqueeze", [
    graph.op("Where", [mask, graph.scalar(0), graph.scalar(-3.4028234663852886e38)]),
    graph.integers(1, 2),
  ]);
  const headShape = graph.op("Concat", [batchShape, graph.integers(shape.heads, hiddenSize / shape.heads)], {
    axis: 0,
  });

  const words = graph.weight(tensors.get(`${prefix}${names.words}`, [shape.vocabularySize, hiddenSize]));
  const positionTable = tensors.get(`${prefix}${names.positions}`, [shape.positions, hiddenSize]);
  const tokenTypes = tensors.get(`${prefix}${names.tokenTypes}`, [shape.tokenTypes, hiddenSize]);
  // A single text has token type 0 throughout, so one row of that table serves all positions.
  const place = graph.op("Add", [
    graph.op("Gather", [graph.weight(positionTable), positions]),
    graph.weight(tokenTypes, [0, 1]),
  ]);
  const embedded = graph.op("Reshape", [
    graph.op("Add", [graph.op("Gather", [words, ids]), place]),
    graph.integers(-1, hiddenSize),
  ]);
  let tokens = layerNorm(
    graph,
    tensors,
    prefix + names.embeddingNorm,
    embedded,
    hiddenSize,
    shape.normEpsilon,
  );
  for (let number = 0; number < shape.layers; number++) {
    const layer = prefix + names.layer(number);
    const attended = addAttention(graph, names, layer, shape, tensors, tokens, headShape, attentionBias);
    const middle = layerNorm(
      graph,
      tensors,
      layer + names.attentionNorm,
      graph.op("Add", [attended, tokens]),
      hiddenSize,
      shape.normEpsilon,
    );
    const up = linear(graph, tensors, layer + names.up, middle, hiddenSize, shape.intermediateSize);
    const active = activation(graph, shape.activation, up);
    const down = linear(graph, tensors, layer + names.down, active, shape.intermediateSize, hiddenSize);
    tokens = layerNorm(
      graph,
      tensors,
      layer + names.outputNorm,
      graph.op("Add", [down, middle]),
      hiddenSize,
      shape.normEpsilon,
    );
  }
  return { tokens, mask, batchShape };
}

/** Multi-head self-attention with its output projection: [B x S, H] to [B x S, H]. */
function addAttention(
  graph: OnnxGraph,
  names: Family["names"],
  layer: string,
  shape: TransformerShape,
  tensors: TensorTable,
  tokens: Value,
  headShape: Value,
  attentionBias: Value,
): Value {
  const { hiddenSize, heads } = shape;
  const project = (name: string, axes: readonly number[]) => {
    const projected = linear(graph, tensors, layer + name, tokens, hiddenSize, hiddenSize);
    return graph.op("Transpose", [graph.op("Reshape", [projected, headShape])], { perm: axes });
  };
  const query = graph.op("Mul", [
    project(names.query, [0, 2, 1, 3]),
    graph.scalar(1 / Math.sqrt(hiddenSize / heads)),
  ]);
  const scores = graph.op("MatMul", [query, project(names.key, [0, 2, 3, 1])]);
  const weights = graph.op("Softmax", [graph.op("Add", [scores, attentionBias])], { axis: -1 });
  const mixed = graph.op("MatMul", [weights, project(names.value, [0, 2, 1, 3])]);
  const joined = graph.op("Reshape", [
    graph.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
    graph.integers(-1, hiddenSize),
  ]);
  return linear(graph, tensors, layer + names.attentionOutput, joined, hiddenSize, hiddenSize);
}
