import { linear, normWeights } from "./layers.ts";
import { absent, type OnnxGraph, type Value } from "./onnx/onnx-graph.ts";
import { addRelativeBias, addRotationTables, addWindow, type RotationTables } from "./positions.ts";
import {
  type AttentionPart,
  addActiveUp,
  addMlp,
  joinedParts,
  norm,
  projectPart,
  type TransformerBuilding,
} from "./transformer-parts.ts";

/**
 * Layers for devices that run thousands of products at once: attention, the sum and norm behind it, and bias and GELU are one
 * operator of the runtime each, since between large products the time goes to reading and writing.
 */

/** What all layers need. */
interface WideInputs {
  /** int64 vector [B, S, H]. */
  readonly tokenShape: Value;
  /** int32 [B]: number of real tokens. */
  readonly lengths: Value;
  /** Added to the scores, [1, 1 or heads, S, S]; the second one in layers with a window. */
  readonly bias: Value | undefined;
  readonly localBias: Value | undefined;
  readonly rotation: RotationTables | undefined;
  readonly localRotation: RotationTables | undefined;
}

/** Low enough to make a weight 0, and far from the end of half precision, so that no sum overflows. */
const masked = -30_000;

function wideInputs(
  transformer: TransformerBuilding,
  lengths: Value,
  places: Value,
  batchShape: Value,
): WideInputs {
  const { graph, shape } = transformer;
  const { hiddenSize, heads, rotary, relativeBuckets } = shape;
  const tables = (base: number) => addRotationTables(graph, places, hiddenSize / heads, base);
  return {
    tokenShape: graph.op("Concat", [batchShape, graph.integers(hiddenSize)], { axis: 0 }),
    lengths,
    bias: relativeBuckets === undefined ? undefined : addRelativeBias(transformer, places),
    localBias: rotary && addWindowBias(graph, places, rotary.window),
    rotation: rotary && tables(rotary.base),
    localRotation: rotary && tables(rotary.localBase),
  };
}

/** Forbids pairs of places that lie further apart: [1, 1, S, S]. */
function addWindowBias(graph: OnnxGraph, places: Value, window: number): Value {
  const bias = graph.op("Where", [addWindow(graph, places, window), graph.scalar(0), graph.scalar(masked)]);
  return graph.op("Unsqueeze", [bias, graph.integers(0, 1)]);
}

/** What adds layer `number` behind `tokens`, [B x S, H] to [B x S, H]. `lengths` is int32 [B]. */
export function wideLayerBuilder(
  transformer: TransformerBuilding,
  lengths: Value,
  places: Value,
  batchShape: Value,
): (number: number, tokens: Value) => Value {
  const inputs = wideInputs(transformer, lengths, places, batchShape);
  const add = transformer.shape.preNorm === true ? addPreNormLayer : addPostNormLayer;
  return (number, tokens) => add(transformer, inputs, number, tokens);
}

function addPostNormLayer(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { family, shape, prefix } = transformer;
  const { hiddenSize, intermediateSize } = shape;
  const { names } = family;
  const layer = prefix + names.layer(number);
  const mixed = addAttention(transformer, inputs, number, tokens);
  const attended = { name: layer + names.attentionOutput, input: mixed, width: hiddenSize };
  const middle = addNormedSum(transformer, attended, tokens, layer + names.attentionNorm);
  const active = addFusedUp(transformer, number, middle);
  const transformed = { name: layer + names.down, input: active, width: intermediateSize };
  return addNormedSum(transformer, transformed, middle, layer + names.outputNorm);
}

function addPreNormLayer(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const { hiddenSize, withoutBias = false } = shape;
  const layer = prefix + family.names.layer(number);
  // The first layer of ModernBERT follows the norm of the embeddings and has none of its own.
  const before =
    number === 0 ? tokens : norm(transformer, layer + family.names.attentionNorm, tokens, hiddenSize);
  const mixed = addAttention(transformer, inputs, number, before);
  const attended = linear(transformer, layer + family.names.attentionOutput, mixed, hiddenSize, hiddenSize, {
    bias: !withoutBias,
  });
  const middle = graph.op("Add", [tokens, attended]);
  const normed = norm(transformer, layer + family.names.outputNorm, middle, hiddenSize);
  return graph.op("Add", [middle, addMlp(transformer, number, normed)]);
}

/** Multi-head self-attention without its output projection: [B x S, H] to [B x S, H]. */
function addAttention(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const mixed =
    inputs.rotation === undefined
      ? addPlainAttention(transformer, inputs, number, tokens)
      : addTurnedAttention(transformer, inputs, number, tokens);
  return graph.op("Reshape", [mixed, graph.integers(-1, shape.hiddenSize)]);
}

/** Query, key and value in one product, and attention with them: [B, S, H]. */
function addPlainAttention(
  transformer: TransformerBuilding,
  { tokenShape, lengths, bias = absent }: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const { weights, biases = absent } = joinedParts(transformer, number);
  const states = graph.op("Reshape", [tokens, tokenShape]);
  return graph.op("Attention", [states, weights, biases, lengths, absent, bias], { num_heads: shape.heads });
}

/** Attention whose queries and keys are turned by their place: [B, S, H]. */
function addTurnedAttention(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const { heads, withoutBias = false } = shape;
  const local = shape.rotary?.isLocal[number] === true;
  const tables = (local ? inputs.localRotation : inputs.rotation)!;
  const project = (part: AttentionPart) =>
    graph.op("Reshape", [projectPart(transformer, number, part, tokens, !withoutBias), inputs.tokenShape]);
  const turn = (value: Value) =>
    graph.op("RotaryEmbedding", [value, graph.integers(0), tables.cosines, tables.sines], {
      num_heads: heads,
    });
  const bias = (local ? inputs.localBias : inputs.bias) ?? absent;
  return graph.op(
    "MultiHeadAttention",
    [turn(project("query")), turn(project("key")), project("value"), absent, inputs.lengths, bias],
    { num_heads: heads },
  );
}

/** As {@link addActiveUp}, with bias and GELU in one operator where there are both. */
function addFusedUp(transformer: TransformerBuilding, number: number, tokens: Value): Value {
  const { graph, tensors, family, shape, prefix } = transformer;
  const { hiddenSize, intermediateSize } = shape;
  if (shape.activation !== "gelu" || shape.gated === true || shape.withoutBias === true) {
    return addActiveUp(transformer, number, tokens);
  }
  const name = prefix + family.names.layer(number) + family.names.up;
  const up = linear(transformer, name, tokens, hiddenSize, intermediateSize, { bias: false });
  return graph.op("BiasGelu", [up, graph.weight(tensors.get(`${name}.bias`, [intermediateSize]))]);
}

/** The norm of what a linear layer gives plus `tokens`: [B x S, H]. */
function addNormedSum(
  transformer: TransformerBuilding,
  layer: { readonly name: string; readonly input: Value; readonly width: number },
  tokens: Value,
  normName: string,
): Value {
  const { graph, tensors, shape } = transformer;
  const { hiddenSize, normEpsilon, withoutBias = false, withoutNormBias = false } = shape;
  const output = linear(transformer, layer.name, layer.input, layer.width, hiddenSize, { bias: false });
  const [factors, summands = absent] = normWeights(transformer, normName, hiddenSize, !withoutNormBias);
  const bias = withoutBias ? [] : [graph.weight(tensors.get(`${layer.name}.bias`, [hiddenSize]))];
  return graph.op("SkipLayerNormalization", [output, tokens, factors!, summands, ...bias], {
    epsilon: { float: normEpsilon },
  });
}
