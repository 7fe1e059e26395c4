import { addDistanceScores, addDistances, type DistanceInputs } from "./disentangled.ts";
import { addEmbeddings } from "./embeddings.ts";
import type { Family, TransformerShape } from "./family.ts";
import { type Building, byText, linear } from "./layers.ts";
import { addLongAttention, addLongInputs, type LongInputs } from "./long-attention.ts";
import type { Value } from "./onnx/onnx-graph.ts";
import { addReach, addRelativeBias, addRotation, masked, type Rotation } from "./positions.ts";
import {
  type AttentionPart,
  type AttentionStates,
  addConvolution,
  addMlp,
  biasesOf,
  headsOf,
  norm,
  normAdded,
  normHeads,
  projectPart,
  scoreScale,
  shareHeads,
  type TransformerBuilding,
} from "./transformer-parts.ts";
import { wideLayerBuilder } from "./wide-layers.ts";

/** What the encoder gives to a head. B = batch, S = padded length, H = hidden size. */
export interface HiddenStates {
  /** [B, S], int32: token ids, and any id at padding. */
  readonly ids: Value;
  /** [B x S, H], in the type of the graph. */
  readonly tokens: Value;
  /** [B, S], bool: true where a real token stands, false at padding on the right. */
  readonly mask: Value;
  /** int64 vector [B, S]. */
  readonly batchShape: Value;
  /** [B, 1], int64: number of real tokens. */
  readonly lengths: Value;
  /** int64 vector [S]: 0, 1, 2 … */
  readonly places: Value;
  /** Start of the encoder's tensor names. */
  readonly prefix: string;
}

/** What all layers need. */
interface AttentionInputs {
  /** int64 vector [B, S]. */
  readonly batchShape: Value;
  readonly scores: ScoreInputs | LongInputs;
  readonly rotation: Rotation | undefined;
  readonly localRotation: Rotation | undefined;
}

/** What attention with all scores at once needs. */
interface ScoreInputs {
  /** [B, 1, 1, S] or broader, added to the scores; the second one for layers with a window. */
  readonly bias: Value;
  readonly localBias: Value | undefined;
  readonly distances: DistanceInputs | undefined;
}

/**
 * Adds a transformer encoder to the graph.
 *
 * Inputs: `ids`, int32 [B, S], padded on the right with any valid id; `lengths`, int32 [B], the number of real
 * tokens of each row; for pairs of texts `type_starts`, int32 [B], the place of the first token of type 1 in each row. Attention never looks at padding. Every linear layer runs on [B x S, width].
 */
export function addTransformer(building: Building, family: Family, shape: TransformerShape): HiddenStates {
  const { graph, tensors } = building;
  const prefix = tensors.has(`${family.names.prefix}${family.names.words}`) ? family.names.prefix : "";
  const transformer: TransformerBuilding = { ...building, family, shape, prefix };
  const { hiddenSize } = shape;

  const ids = graph.input("ids", "int32", ["batch", "length"]);
  const counts = graph.input("lengths", "int32", ["batch"]);
  const lengths = graph.op("Unsqueeze", [graph.op("Cast", [counts], { to: 7 }), graph.integers(1)]);
  const batchShape = graph.op("Shape", [ids]);
  const length = graph.op("Gather", [batchShape, graph.integer(1)]);
  const places = graph.op("Range", [graph.integer(0), length, graph.integer(1)]);
  const mask = graph.op("Less", [graph.op("Unsqueeze", [places, graph.integers(0)]), lengths]);

  let tokens = addEmbeddings(transformer, ids, places);
  const layer =
    building.tuning === "wide"
      ? wideLayerBuilder(transformer, counts, places, batchShape)
      : layerBuilder(transformer, mask, places, batchShape);
  const embedded = tokens;
  for (let number = 0; number < shape.layers; number++) {
    tokens = layer(number, tokens);
    if (number === 0) tokens = addConvolution(transformer, embedded, tokens, mask);
  }
  const { finalNorm } = family.names;
  if (finalNorm !== undefined) tokens = norm(transformer, prefix + finalNorm, tokens, hiddenSize);
  return { ids, tokens, mask, batchShape, lengths, places, prefix };
}

/** What adds layer `number` behind `tokens`. */
function layerBuilder(
  transformer: TransformerBuilding,
  mask: Value,
  places: Value,
  batchShape: Value,
): (number: number, tokens: Value) => Value {
  const inputs = attentionInputs(transformer, mask, places, batchShape);
  const add = transformer.shape.preNorm === true ? addPreNormLayer : addPostNormLayer;
  return (number, tokens) => add(transformer, inputs, number, tokens);
}

function attentionInputs(
  transformer: TransformerBuilding,
  mask: Value,
  places: Value,
  batchShape: Value,
): AttentionInputs {
  const { rotary } = transformer.shape;
  const rotation = rotary && addRotation(transformer.graph, places, rotary.global);
  return {
    batchShape,
    // The runtime would make what a graph for long texts does not use: S x S numbers.
    scores:
      transformer.tuning === "long"
        ? addLongInputs(transformer, batchShape)
        : scoreInputs(transformer, mask, places, batchShape),
    rotation,
    localRotation:
      rotary?.local === undefined ? rotation : addRotation(transformer.graph, places, rotary.local),
  };
}

function scoreInputs(
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

function addPostNormLayer(
  transformer: TransformerBuilding,
  inputs: AttentionInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const layer = prefix + family.names.layer(number);
  const attended = graph.op("Add", [addAttention(transformer, inputs, number, tokens), tokens]);
  const middle = norm(transformer, layer + family.names.attentionNorm, attended, shape.hiddenSize);
  const transformed = graph.op("Add", [addMlp(transformer, number, middle), middle]);
  return norm(transformer, layer + family.names.outputNorm, transformed, shape.hiddenSize);
}

function addPreNormLayer(
  transformer: TransformerBuilding,
  inputs: AttentionInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const layer = prefix + family.names.layer(number);
  const before =
    number === 0 && shape.withoutFirstNorm === true
      ? tokens
      : norm(transformer, layer + family.names.attentionNorm, tokens, shape.hiddenSize);
  const attended = addAttention(transformer, inputs, number, before);
  const middle = graph.op("Add", [tokens, normAdded(transformer, number, "attention", attended)]);
  const normed = norm(transformer, layer + family.names.outputNorm, middle, shape.hiddenSize);
  return graph.op("Add", [
    middle,
    normAdded(transformer, number, "output", addMlp(transformer, number, normed)),
  ]);
}

/** Multi-head self-attention with its output projection: [B x S, H] to [B x S, H]. */
function addAttention(
  transformer: TransformerBuilding,
  inputs: AttentionInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const { hiddenSize } = shape;
  const { heads, size } = headsOf(shape, "query");
  const { attentionOutput } = family.names;
  const layer = prefix + family.names.layer(number);
  const local = shape.local?.layers[number] === true;
  const rotation = local ? inputs.localRotation : inputs.rotation;

  const project = (part: AttentionPart) => splitHeads(transformer, inputs.batchShape, number, part, tokens);
  const rotate = (value: Value) => (rotation === undefined ? value : rotation.apply(value));
  const states = { query: rotate(project("query")), key: rotate(project("key")), value: project("value") };
  const { scores } = inputs;
  const mixed =
    "bias" in scores
      ? addScores(transformer, scores, inputs.batchShape, number, states)
      : addLongAttention(transformer, scores, number, states);
  const joined = graph.op("Reshape", [mixed, graph.integers(-1, heads * size)]);
  return linear(transformer, layer + attentionOutput, joined, heads * size, hiddenSize, {
    bias: biasesOf(shape).attentionOutput,
  });
}

/** Attention with all scores at once: [B, heads of the part, S, D] each to [B, S, heads, D]. */
function addScores(
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

/** Query, key or value of each token by head: [B x S, H] to [B, heads of the part, S, head size]. */
function splitHeads(
  transformer: TransformerBuilding,
  batchShape: Value,
  number: number,
  part: AttentionPart,
  tokens: Value,
): Value {
  const { graph, shape } = transformer;
  const { heads, size } = headsOf(shape, part);
  const projected = projectPart(transformer, number, part, tokens);
  const normed = part === "value" ? projected : normHeads(transformer, number, part, projected);
  return graph.op("Transpose", [byText(graph, normed, batchShape, heads, size)], { perm: [0, 2, 1, 3] });
}
