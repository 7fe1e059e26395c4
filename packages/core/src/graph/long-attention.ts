import type { TransformerShape } from "./family.ts";
import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";
import { headsOf, scoreScale, type TransformerBuilding } from "./transformer-parts.ts";

/**
 * Attention of a text that is alone in its batch, so that nothing is padded, in memory that grows with the length and not with its
 * square: blocks of scores are made, used and dropped.
 */

/** Queries, keys or values by head: [1, heads, S, D], all of equally many heads; queries are not scaled. */
export interface AttentionStates {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
}

/** What layers with a window share. The places are cut into N blocks of W, the width of the window to each side. */
export interface BlockInputs {
  readonly width: number;
  /** int64 vector [1]: S. */
  readonly length: Value;
  /** int64 vector [1]: N x W - S, the places of the last block behind the text. */
  readonly missing: Value;
  /** Added to the scores of each block with its neighbours: [N, W, 3 x W]. */
  readonly bias: Value;
}

/** Low enough to make a weight 0, and finite, so that a query behind the text gives numbers. */
const masked = -3.4028234663852886e38;

/** Whether all layers of a transformer can attend in blocks. */
export function attendsInBlocks({ causal, local, relativeBuckets, disentangled }: TransformerShape): boolean {
  const isEven = local === undefined || local.before === local.after;
  return causal !== true && isEven && relativeBuckets === undefined && disentangled === undefined;
}

/** What layers with a window share; undefined for a transformer without such layers. */
export function addBlockInputs(
  { graph, shape }: TransformerBuilding,
  batchShape: Value,
): BlockInputs | undefined {
  if (shape.local === undefined) return undefined;
  const width = shape.local.after;
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

/** Attention of all places to all places: [1, heads, S, D] each to [1, S, heads x D]. */
export function addWholeAttention(transformer: TransformerBuilding, states: AttentionStates): Value {
  const { graph, shape } = transformer;
  const { query, key, value } = states;
  const joined = (part: Value) => joinHeads(transformer, part);
  return graph.op("MultiHeadAttention", [joined(query), joined(key), joined(value)], {
    num_heads: shape.heads,
    scale: { float: scoreScale(shape) },
  });
}

/** Attention of all places to those in a window around them: [1, heads, S, D] each to [1, S, heads x D]. */
export function addBlockAttention(
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
