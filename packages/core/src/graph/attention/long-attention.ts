import { addDistances, type DistanceInputs } from "../disentangled.ts";
import type { TransformerShape } from "../family.ts";
import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import { masked } from "../positions.ts";
import {
  type AttentionStates,
  headsOf,
  scoreScale,
  shareHeads,
  type TransformerBuilding,
} from "../transformer-parts.ts";
import { addBlockDistances } from "./block-distances.ts";
import { addLoopedAttention, addQueryBlocks, type QueryBlocks } from "./query-blocks.ts";

/**
 * Attention of a text that is alone in its batch, so that nothing is padded, in memory that grows with the length and not with its
 * square: blocks of scores are made, used and dropped.
 */

/** What the layers of a graph for long texts share. */
export interface LongInputs {
  /** int64 vector [1, S]. */
  readonly batchShape: Value;
  /** For layers that look at a narrow window. */
  readonly windows: BlockInputs | undefined;
  /** For layers that look at a part of the text, or whose scores depend on distances. */
  readonly blocks: QueryBlocks | undefined;
  readonly distances: DistanceInputs | undefined;
}

/** The widest window, to each side, that is cut into blocks of its width: a block and its neighbours have three times as many scores. */
const widestBlock = 128;

/** How the layers with a window, or those without one, attend: to all places at once, to blocks of the window's width, or in a loop. */
function kindOf(shape: TransformerShape, isLocal: boolean): "whole" | "windows" | "loop" {
  const { causal, local, relativeBuckets, disentangled } = shape;
  const isPlain = causal !== true && relativeBuckets === undefined && disentangled?.isOn !== true;
  if (!isLocal || local === undefined) return isPlain ? "whole" : "loop";
  const isEven = local.before === local.after && local.after > 0 && local.after <= widestBlock;
  return isPlain && isEven ? "windows" : "loop";
}

/** @param batchShape int64 vector [1, S] */
export function addLongInputs(transformer: TransformerBuilding, batchShape: Value): LongInputs {
  const { graph, shape } = transformer;
  const layers = Array.from({ length: shape.layers }, (_, layer) => shape.local?.layers[layer] === true);
  const kinds = new Set(layers.map((isLocal) => kindOf(shape, isLocal)));
  const blocks = kinds.has("loop") ? addQueryBlocks(transformer, batchShape) : undefined;
  const places =
    blocks && graph.op("Range", [graph.integer(0), graph.op("Squeeze", [blocks.padded]), graph.integer(1)]);
  return {
    batchShape,
    windows: kinds.has("windows") ? addBlockInputs(transformer, batchShape) : undefined,
    blocks,
    distances: places && addDistances(transformer, places, batchShape),
  };
}

/** Attention of layer `number`: queries [1, heads, S, D], keys and values with the heads that they have, to [1, S, heads x D]. */
export function addLongAttention(
  transformer: TransformerBuilding,
  { batchShape, windows, blocks, distances }: LongInputs,
  number: number,
  states: AttentionStates,
): Value {
  const { shape } = transformer;
  const kind = kindOf(shape, shape.local?.layers[number] === true);
  if (kind === "loop") {
    const scores = distances && addBlockDistances(transformer, blocks!, distances, number, states.key);
    return addLoopedAttention(transformer, blocks!, number, states, scores);
  }
  const share = (value: Value) => shareHeads(transformer, batchShape, value);
  const shared = { query: states.query, key: share(states.key), value: share(states.value) };
  return kind === "windows"
    ? addBlockAttention(transformer, windows!, shared)
    : addWholeAttention(transformer, shared);
}

/** What layers with a window share. The places are cut into N blocks of W, the width of the window to each side. */
interface BlockInputs {
  readonly width: number;
  /** int64 vector [1]: S. */
  readonly length: Value;
  /** int64 vector [1]: N x W - S, the places of the last block behind the text. */
  readonly missing: Value;
  /** Added to the scores of each block with its neighbours: [N, W, 3 x W]. */
  readonly bias: Value;
}

function addBlockInputs({ graph, shape }: TransformerBuilding, batchShape: Value): BlockInputs {
  const width = shape.local!.after;
  const length = graph.op("Slice", [batchShape, graph.integers(1), graph.integers(2)]);
  const up = graph.op("Add", [length, graph.integers(width - 1)]);
  const blocks = graph.op("Div", [up, graph.integers(width)]);
  const padded = graph.op("Mul", [blocks, graph.integers(width)]);
  const range = (end: Value) => graph.op("Range", [graph.integer(0), end, graph.integer(1)]);
  // Places of keys: [N, 1, 3 x W], from the block before on; of queries: [N, W, 1].
  const starts = graph.op("Mul", [range(graph.op("Squeeze", [blocks])), graph.integer(width)]);
  const column = graph.op("Unsqueeze", [starts, graph.integers(1, 2)]);
  const offsets = (count: number) => range(graph.integer(count));
  const queries = graph.op("Add", [column, graph.op("Unsqueeze", [offsets(width), graph.integers(1)])]);
  const firstKey = graph.op("Sub", [column, graph.integer(width)]);
  const keys = graph.op("Add", [firstKey, graph.op("Unsqueeze", [offsets(3 * width), graph.integers(0)])]);
  const near = graph.op("LessOrEqual", [
    graph.op("Abs", [graph.op("Sub", [keys, queries])]),
    graph.integer(width),
  ]);
  const inside = graph.op("And", [
    graph.op("GreaterOrEqual", [keys, graph.integer(0)]),
    graph.op("Less", [keys, length]),
  ]);
  const allowed = graph.op("And", [near, inside]);
  return {
    width,
    length,
    missing: graph.op("Sub", [padded, length]),
    bias: graph.op("Where", [allowed, graph.scalar(0), graph.scalar(masked)]),
  };
}

/** Attention of all places to all places: [1, heads, S, D] of equally many heads each to [1, S, heads x D]. */
function addWholeAttention(transformer: TransformerBuilding, states: AttentionStates): Value {
  const { graph, shape } = transformer;
  const { query, key, value } = states;
  const joined = (part: Value) => joinHeads(transformer, part);
  return graph.op("MultiHeadAttention", [joined(query), joined(key), joined(value)], {
    num_heads: shape.heads,
    scale: { float: scoreScale(shape) },
  });
}

/** Attention of all places to those in a window around them: [1, heads, S, D] of equally many heads each to [1, S, heads x D]. */
function addBlockAttention(
  transformer: TransformerBuilding,
  { width, length, missing, bias }: BlockInputs,
  { query, key, value }: AttentionStates,
): Value {
  const { graph, shape } = transformer;
  const { heads, size } = headsOf(shape, "query");
  const blocks = (part: Value, before: number) =>
    graph.op("Reshape", [padPlaces(graph, part, before, missing), graph.integers(1, heads, -1, width, size)]);
  /** Each block behind the one before it and in front of the next one: [1, heads, N, 3 x W, D]. */
  const neighbours = (part: Value) => {
    const all = blocks(part, width);
    const from = (start: number, end: number) =>
      graph.op("Slice", [all, graph.integers(start), graph.integers(end), graph.integers(2)]);
    return graph.op("Concat", [from(0, -2), from(1, -1), from(2, Number.MAX_SAFE_INTEGER)], { axis: 3 });
  };
  const scaled = graph.op("Mul", [blocks(query, 0), graph.scalar(scoreScale(shape))]);
  const products = graph.op("MatMul", [
    scaled,
    graph.op("Transpose", [neighbours(key)], { perm: [0, 1, 2, 4, 3] }),
  ]);
  const weights = graph.op("Softmax", [graph.op("Add", [products, bias])], { axis: -1 });
  const mixed = graph.op("MatMul", [weights, neighbours(value)]);
  const places = graph.op("Reshape", [mixed, graph.integers(1, heads, -1, size)]);
  const kept = graph.op("Slice", [places, graph.integers(0), length, graph.integers(2)]);
  return joinHeads(transformer, kept);
}

/** Adds places of zeros: `beside` on each side of the text, and `missing` at the end. */
function padPlaces(graph: OnnxGraph, value: Value, beside: number, missing: Value): Value {
  const end = graph.op("Add", [missing, graph.integers(beside)]);
  const amounts = [graph.integers(0, 0, beside, 0, 0, 0), end, graph.integers(0)];
  return graph.op("Pad", [value, graph.op("Concat", amounts, { axis: 0 })]);
}

/** [1, heads, S, D] to [1, S, heads x D]. */
function joinHeads({ graph, shape }: TransformerBuilding, value: Value): Value {
  const { heads, size } = headsOf(shape, "query");
  const byPlace = graph.op("Transpose", [value], { perm: [0, 2, 1, 3] });
  return graph.op("Reshape", [byPlace, graph.integers(1, -1, heads * size)]);
}
