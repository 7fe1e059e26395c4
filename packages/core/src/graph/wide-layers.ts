import { addDistanceScores, addDistances, type DistanceInputs } from "./disentangled.ts";
import type { TransformerShape } from "./family.ts";
import { byText, linear, normWeights } from "./layers.ts";
import { absent, type OnnxGraph, type Value } from "./onnx/onnx-graph.ts";
import { addReach, addRelativeBias, addRotationTables, type RotationTables } from "./positions.ts";
import {
  type AttentionPart,
  addActiveUp,
  addMlp,
  biasesOf,
  headsOf,
  joinedParts,
  norm,
  normAdded,
  normHeads,
  projectPart,
  scoreScale,
  shareHeads,
  type TransformerBuilding,
} from "./transformer-parts.ts";

/**
 * Layers for devices that run thousands of products at once: attention, the sum and norm behind it, and bias and GELU are one
 * operator of the runtime each, since between large products the time goes to reading and writing.
 */

/** What all layers need. */
interface WideInputs {
  /** int64 vector [B, S]. */
  readonly batchShape: Value;
  /** int32 [B]: number of real tokens. */
  readonly lengths: Value;
  /** Added to the scores, [1, 1 or heads, S, S]; the second one in layers with a window. */
  readonly bias: Value | undefined;
  readonly localBias: Value | undefined;
  readonly distances: DistanceInputs | undefined;
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
  const { rotary, local, relativeBuckets } = shape;
  const rotation = rotary && addRotationTables(graph, places, rotary.global);
  return {
    batchShape,
    lengths,
    bias:
      relativeBuckets === undefined
        ? addReachBias(graph, places, shape, false)
        : addRelativeBias(transformer, places),
    distances: addDistances(transformer, places, batchShape),
    localBias: local && addReachBias(graph, places, shape, true),
    rotation,
    localRotation: rotary?.local === undefined ? rotation : addRotationTables(graph, places, rotary.local),
  };
}

/** Forbids pairs of places that must not attend to each other: [1, 1, S, S]; undefined if all may. */
function addReachBias(
  graph: OnnxGraph,
  places: Value,
  shape: TransformerShape,
  isLocal: boolean,
): Value | undefined {
  const reach = addReach(graph, places, shape, isLocal);
  if (reach === undefined) return undefined;
  const bias = graph.op("Where", [reach, graph.scalar(0), graph.scalar(masked)]);
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
  const { intermediateSize } = shape;
  const { names } = family;
  const layer = prefix + names.layer(number);
  const mixed = addAttention(transformer, inputs, number, tokens);
  const biases = biasesOf(shape);
  const { heads, size } = headsOf(shape, "query");
  const attended = {
    name: layer + names.attentionOutput,
    input: mixed,
    width: heads * size,
    hasBias: biases.attentionOutput,
  };
  const middle = addNormedSum(transformer, attended, tokens, layer + names.attentionNorm);
  const active = addFusedUp(transformer, number, middle);
  const transformed = {
    name: layer + names.down,
    input: active,
    width: intermediateSize,
    hasBias: biases.down,
  };
  return addNormedSum(transformer, transformed, middle, layer + names.outputNorm);
}

function addPreNormLayer(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const { hiddenSize } = shape;
  const { heads, size } = headsOf(shape, "query");
  const layer = prefix + family.names.layer(number);
  const before =
    number === 0 && shape.withoutFirstNorm === true
      ? tokens
      : norm(transformer, layer + family.names.attentionNorm, tokens, hiddenSize);
  const mixed = addAttention(transformer, inputs, number, before);
  const attended = linear(
    transformer,
    layer + family.names.attentionOutput,
    mixed,
    heads * size,
    hiddenSize,
    {
      bias: biasesOf(shape).attentionOutput,
    },
  );
  const middle = graph.op("Add", [tokens, normAdded(transformer, number, "attention", attended)]);
  const normed = norm(transformer, layer + family.names.outputNorm, middle, hiddenSize);
  return graph.op("Add", [
    middle,
    normAdded(transformer, number, "output", addMlp(transformer, number, normed)),
  ]);
}

/** Multi-head self-attention without its output projection: [B x S, H] to [B x S, heads x head size]. */
function addAttention(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const add =
    inputs.distances !== undefined || shape.disentangled !== undefined
      ? addDistantAttention
      : inputs.rotation === undefined
        ? addPlainAttention
        : addTurnedAttention;
  const mixed = add(transformer, inputs, number, tokens);
  const { heads, size } = headsOf(shape, "query");
  return graph.op("Reshape", [mixed, graph.integers(-1, heads * size)]);
}

/** Query, key and value in one product, and attention with them: [B, S, H]. */
function addPlainAttention(
  transformer: TransformerBuilding,
  { batchShape, lengths, bias = absent }: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const { weights, biases = absent } = joinedParts(transformer, number);
  const states = byText(graph, tokens, batchShape, shape.hiddenSize);
  return graph.op("Attention", [states, weights, biases, lengths, absent, bias], { num_heads: shape.heads });
}

/** Attention whose scores depend on the distance of two tokens and on their contents: [B, S, H]. */
function addDistantAttention(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const { heads, hiddenSize } = shape;
  const { batchShape } = inputs;
  const project = (part: AttentionPart) =>
    byText(graph, projectPart(transformer, number, part, tokens), batchShape, hiddenSize);
  const byHead = (value: Value) =>
    graph.op("Transpose", [byText(graph, value, batchShape, heads, hiddenSize / heads)], {
      perm: [0, 2, 1, 3],
    });
  const [query, key, value] = [project("query"), project("key"), project("value")];
  const scale = scoreScale(shape);
  const scaled = graph.op("Mul", [byHead(query), graph.scalar(scale)]);
  const bias =
    inputs.distances &&
    addDistanceScores(transformer, inputs.distances, number, { query: scaled, key: byHead(key), scale });
  return graph.op("MultiHeadAttention", [query, key, value, absent, inputs.lengths, bias ?? absent], {
    num_heads: heads,
    scale: { float: scale },
  });
}

/** Attention whose queries and keys are turned by their place: [B, S, H]. */
function addTurnedAttention(
  transformer: TransformerBuilding,
  inputs: WideInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const local = shape.local?.layers[number] === true;
  const tables = (local ? inputs.localRotation : inputs.rotation)!;
  const project = (part: AttentionPart) => projectPart(transformer, number, part, tokens);
  const ofTexts = (value: Value, part: AttentionPart) => {
    const { heads, size } = headsOf(shape, part);
    return byText(graph, value, inputs.batchShape, heads * size);
  };
  const turn = (part: "query" | "key") => {
    const states = ofTexts(normHeads(transformer, number, part, project(part)), part);
    return graph.op("RotaryEmbedding", [states, graph.integers(0), tables.cosines, tables.sines], {
      num_heads: headsOf(shape, part).heads,
    });
  };
  const share = (value: Value) => shareJoinedHeads(transformer, inputs.batchShape, value);
  const bias = (local ? inputs.localBias : inputs.bias) ?? absent;
  return graph.op(
    "MultiHeadAttention",
    [
      turn("query"),
      share(turn("key")),
      share(ofTexts(project("value"), "value")),
      absent,
      inputs.lengths,
      bias,
    ],
    { num_heads: shape.heads, scale: { float: scoreScale(shape) } },
  );
}

/** As {@link shareHeads}, for heads that stand side by side: [B, S, key heads x D] to [B, S, heads x D]. */
function shareJoinedHeads(transformer: TransformerBuilding, batchShape: Value, value: Value): Value {
  const { graph, shape } = transformer;
  const { heads, size } = headsOf(shape, "key");
  if (heads === shape.heads) return value;
  const turn = (heads: Value) => graph.op("Transpose", [heads], { perm: [0, 2, 1, 3] });
  const byHead = turn(byText(graph, value, batchShape, heads, size));
  return byText(graph, turn(shareHeads(transformer, batchShape, byHead)), batchShape, shape.heads * size);
}

/** As {@link addActiveUp}, with bias and GELU in one operator where there are both. */
function addFusedUp(transformer: TransformerBuilding, number: number, tokens: Value): Value {
  const { graph, tensors, family, shape, prefix } = transformer;
  const { hiddenSize, intermediateSize } = shape;
  if (shape.activation !== "gelu" || shape.gated !== undefined || !biasesOf(shape).up) {
    return addActiveUp(transformer, number, tokens);
  }
  const name = prefix + family.names.layer(number) + family.names.up;
  const up = linear(transformer, name, tokens, hiddenSize, intermediateSize, { bias: false });
  return graph.op("BiasGelu", [up, graph.weight(tensors.get(`${name}.bias`, [intermediateSize]))]);
}

/** The norm of what a linear layer gives plus `tokens`: [B x S, H]. */
function addNormedSum(
  transformer: TransformerBuilding,
  layer: { readonly name: string; readonly input: Value; readonly width: number; readonly hasBias: boolean },
  tokens: Value,
  normName: string,
): Value {
  const { graph, tensors, shape } = transformer;
  const { hiddenSize, normEpsilon, withoutNormBias = false } = shape;
  const output = linear(transformer, layer.name, layer.input, layer.width, hiddenSize, { bias: false });
  const [factors, summands = absent] = normWeights(transformer, normName, hiddenSize, !withoutNormBias);
  const bias = !layer.hasBias ? [] : [graph.weight(tensors.get(`${layer.name}.bias`, [hiddenSize]))];
  return graph.op("SkipLayerNormalization", [output, tokens, factors!, summands, ...bias], {
    epsilon: { float: normEpsilon },
  });
}
