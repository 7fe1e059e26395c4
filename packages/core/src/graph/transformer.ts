import { addLongAttention, addLongInputs, type LongInputs } from "./attention/long-attention.ts";
import { addScoreInputs, addScores, type ScoreInputs } from "./attention/score-attention.ts";
import { addEmbeddings } from "./embeddings.ts";
import type { Family, TransformerShape } from "./family.ts";
import { type Building, byText, linear } from "./layers.ts";
import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";
import { addRotation, type Rotation } from "./positions.ts";
import {
  type AttentionPart,
  addConvolution,
  addMlp,
  biasesOf,
  headsOf,
  norm,
  normAdded,
  normHeads,
  projectPart,
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
  /** The layer that is computed for the first token of each text only; undefined for none. */
  readonly lastLayer: number | undefined;
  readonly rotation: Rotation | undefined;
  readonly localRotation: Rotation | undefined;
}

/**
 * Adds a transformer encoder to the graph.
 *
 * Inputs: `ids`, int32 [B, S], padded on the right with any valid id; `lengths`, int32 [B], the number of real
 * tokens of each row; for pairs of texts `type_starts`, int32 [B], the place of the first token of type 1 in each row. Attention never looks at padding. Every linear layer runs on [B x S, width].
 *
 * @param readsFirst true if the head reads the first token of each text only: the states may then be the states of texts of one token
 */
export function addTransformer(
  building: Building,
  family: Family,
  shape: TransformerShape,
  readsFirst = false,
): HiddenStates {
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

  const ends = readsFirst && canEndAtFirst(transformer);
  let tokens = addEmbeddings(transformer, ids, places);
  const layer =
    building.tuning === "wide"
      ? wideLayerBuilder(transformer, counts, places, batchShape)
      : layerBuilder(transformer, mask, places, batchShape, ends);
  const embedded = tokens;
  for (let number = 0; number < shape.layers; number++) {
    tokens = layer(number, tokens);
    if (number === 0) tokens = addConvolution(transformer, embedded, tokens, mask);
  }
  const { finalNorm } = family.names;
  if (finalNorm !== undefined) tokens = norm(transformer, prefix + finalNorm, tokens, hiddenSize);
  const states = { ids, tokens, mask, batchShape, lengths, places, prefix };
  return ends ? { ...states, ...ofFirstTokens(graph, states) } : states;
}

/**
 * Whether the last layer can leave out all tokens but the first: in families where a query's place matters in the embeddings only, and in
 * graphs for many short texts, where the layer is a part of the work that counts.
 */
function canEndAtFirst({ shape, tuning }: TransformerBuilding): boolean {
  const { layers, rotary, local, causal, relativeBuckets, disentangled } = shape;
  const isPlain = rotary === undefined && local === undefined && causal !== true;
  const isNear = relativeBuckets !== undefined || disentangled?.isOn === true;
  return layers > 1 && isPlain && !isNear && (tuning === "throughput" || tuning === "latency");
}

/** What says of hidden states that each text has its first token only. */
function ofFirstTokens(graph: OnnxGraph, { ids, mask, batchShape }: HiddenStates) {
  const first = (value: Value) =>
    graph.op("Slice", [value, graph.integers(0), graph.integers(1), graph.integers(1)]);
  return {
    ids: first(ids),
    mask: first(mask),
    batchShape: firstShape(graph, batchShape),
    lengths: graph.op("Cast", [first(mask)], { to: 7 }),
    places: graph.integers(0),
  };
}

/** From int64 [B, S] to [B, 1]. */
function firstShape(graph: OnnxGraph, batchShape: Value): Value {
  const texts = graph.op("Slice", [batchShape, graph.integers(0), graph.integers(1)]);
  return graph.op("Concat", [texts, graph.integers(1)], { axis: 0 });
}

/** The tokens that a layer computes: all, or the first of each text. [B x S, H] to [B, H] */
function askingTokens(
  { graph, shape }: TransformerBuilding,
  { batchShape, lastLayer }: AttentionInputs,
  number: number,
  tokens: Value,
): Value {
  if (number !== lastLayer) return tokens;
  return graph.op("Gather", [byText(graph, tokens, batchShape, shape.hiddenSize), graph.integer(0)], {
    axis: 1,
  });
}

/** What adds layer `number` behind `tokens`. */
function layerBuilder(
  transformer: TransformerBuilding,
  mask: Value,
  places: Value,
  batchShape: Value,
  endsAtFirst: boolean,
): (number: number, tokens: Value) => Value {
  const { layers } = transformer.shape;
  const shared = attentionInputs(transformer, mask, places, batchShape);
  const inputs = { ...shared, lastLayer: endsAtFirst ? layers - 1 : undefined };
  const add = transformer.shape.preNorm === true ? addPreNormLayer : addPostNormLayer;
  return (number, tokens) => add(transformer, inputs, number, tokens);
}

function attentionInputs(
  transformer: TransformerBuilding,
  mask: Value,
  places: Value,
  batchShape: Value,
): Omit<AttentionInputs, "lastLayer"> {
  const { rotary } = transformer.shape;
  const rotation = rotary && addRotation(transformer.graph, places, rotary.global);
  return {
    batchShape,
    // The runtime would make what a graph for long texts does not use: S x S numbers.
    scores:
      transformer.tuning === "long"
        ? addLongInputs(transformer, batchShape)
        : addScoreInputs(transformer, mask, places, batchShape),
    rotation,
    localRotation:
      rotary?.local === undefined ? rotation : addRotation(transformer.graph, places, rotary.local),
  };
}

function addPostNormLayer(
  transformer: TransformerBuilding,
  inputs: AttentionInputs,
  number: number,
  tokens: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const layer = prefix + family.names.layer(number);
  const asking = askingTokens(transformer, inputs, number, tokens);
  const attended = graph.op("Add", [addAttention(transformer, inputs, number, tokens, asking), asking]);
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
  const asking = (states: Value) => askingTokens(transformer, inputs, number, states);
  const attended = addAttention(transformer, inputs, number, before, asking(before));
  const middle = graph.op("Add", [asking(tokens), normAdded(transformer, number, "attention", attended)]);
  const normed = norm(transformer, layer + family.names.outputNorm, middle, shape.hiddenSize);
  return graph.op("Add", [
    middle,
    normAdded(transformer, number, "output", addMlp(transformer, number, normed)),
  ]);
}

/** Multi-head self-attention of `asking` to `tokens`, with its output projection: the shape of `asking`, [B x S, H] or [B, H]. */
function addAttention(
  transformer: TransformerBuilding,
  inputs: AttentionInputs,
  number: number,
  tokens: Value,
  asking: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const { hiddenSize } = shape;
  const { heads, size } = headsOf(shape, "query");
  const { attentionOutput } = family.names;
  const layer = prefix + family.names.layer(number);
  const local = shape.local?.layers[number] === true;
  const rotation = local ? inputs.localRotation : inputs.rotation;

  const { batchShape } = inputs;
  const project = (part: AttentionPart) => splitHeads(transformer, batchShape, number, part, tokens);
  const queries =
    number === inputs.lastLayer
      ? splitHeads(transformer, firstShape(graph, batchShape), number, "query", asking)
      : project("query");
  const rotate = (value: Value) => (rotation === undefined ? value : rotation.apply(value));
  const states = { query: rotate(queries), key: rotate(project("key")), value: project("value") };
  const { scores } = inputs;
  const mixed =
    "bias" in scores
      ? addScores(transformer, scores, batchShape, number, states)
      : addLongAttention(transformer, scores, number, states);
  const joined = graph.op("Reshape", [mixed, graph.integers(-1, heads * size)]);
  return linear(transformer, layer + attentionOutput, joined, heads * size, hiddenSize, {
    bias: biasesOf(shape).attentionOutput,
  });
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
