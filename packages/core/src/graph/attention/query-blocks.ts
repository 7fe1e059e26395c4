import type { TransformerShape } from "../family.ts";
import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import { addReachTable, addRelativeTable } from "../positions.ts";
import { type AttentionStates, headsOf, scoreScale, type TransformerBuilding } from "../transformer-parts.ts";

/**
 * Attention of the only text of a batch, in a loop: each round takes a block of queries, gives them scores for the keys
 * that they may look at, and drops the scores. Memory grows with the length, whatever decides about the scores: order, a window of any
 * width, distances. Where keys are out of reach of a whole block, nothing is computed for them.
 */

/** Queries per round: the scores of 16 heads for 8,192 keys take 64 MB. */
export const queriesPerBlock = 128;

/** What the layers of a transformer share. The S places of a text are cut into N blocks of W queries; P = N x W. */
export interface QueryBlocks {
  /** int64 vectors [1]: S and P. */
  readonly length: Value;
  readonly padded: Value;
  /** int64 scalar: N. */
  readonly count: Value;
  /**
   * Added to the scores of a block: [W, 2P], or [heads, 1, W, 2P]. Column u is for the key that stands u - P places behind the first query of the
   * block. Undefined if there is nothing to add; the second one is for layers with a window.
   */
  readonly table: Value | undefined;
  readonly localTable: Value | undefined;
}

/** A block of queries in the loop. */
export interface QueryBlock {
  /** int64 vectors [1]: the number of the block, and the place of its first query. */
  readonly number: Value;
  readonly start: Value;
  /** [1, key heads, queries per key head, W, D], scaled. */
  readonly query: Value;
}

/** How many places before and after a query it may look at; undefined for all. */
interface Reach {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

function reachOf({ causal, local }: TransformerShape, isLocal: boolean): Reach {
  const { before, after } = (isLocal ? local : undefined) ?? { before: undefined, after: undefined };
  return { before, after: causal === true ? 0 : after };
}

/** What layers share: the blocks, and what their scores get. */
export function addQueryBlocks(transformer: TransformerBuilding, batchShape: Value): QueryBlocks {
  const { graph, shape } = transformer;
  const length = graph.op("Slice", [batchShape, graph.integers(1), graph.integers(2)]);
  const up = graph.op("Add", [length, graph.integers(queriesPerBlock - 1)]);
  const blocks = graph.op("Div", [up, graph.integers(queriesPerBlock)]);
  const padded = graph.op("Mul", [blocks, graph.integers(queriesPerBlock)]);
  const end = graph.op("Squeeze", [padded]);
  const columns = graph.op("Range", [graph.op("Neg", [end]), end, graph.integer(1)]);
  const rows = graph.op("Range", [graph.integer(0), graph.integer(queriesPerBlock), graph.integer(1)]);
  // Place of the key minus place of the query: int64 [W, 2P].
  const distances = graph.op("Sub", [columns, graph.op("Unsqueeze", [rows, graph.integers(1)])]);
  const table = (isLocal: boolean) => {
    const { before, after } = reachOf(shape, isLocal);
    return addReachTable(graph, distances, before, after);
  };
  const global = table(false);
  const relative = shape.relativeBuckets === undefined ? undefined : addRelativeTable(transformer, distances);
  return {
    length,
    padded,
    count: graph.op("Squeeze", [blocks]),
    table: global && relative ? graph.op("Add", [global, relative]) : (global ?? relative),
    localTable: shape.local === undefined ? undefined : table(true),
  };
}

/**
 * Attention in a loop over blocks of queries: [1, heads, S, D] of queries, and of keys and values with the heads that they have, to
 * [1, S, heads x D].
 *
 * @param addDistances what is added to the scores of a block beside the table: [1, heads, 1, W, S]
 */
export function addLoopedAttention(
  transformer: TransformerBuilding,
  blocks: QueryBlocks,
  number: number,
  states: AttentionStates,
  addDistances?: (block: QueryBlock) => Value,
): Value {
  const { graph, shape } = transformer;
  const { heads, size } = headsOf(shape, "query");
  const keyHeads = headsOf(shape, "key").heads;
  const isLocal = shape.local?.layers[number] === true;
  const table = isLocal ? blocks.localTable : blocks.table;
  const scaled = graph.op("Mul", [states.query, graph.scalar(scoreScale(shape))]);
  // Keys and values stand for all queries that share them: an axis of size 1.
  const query = graph.op("Reshape", [
    padEnd(graph, scaled, blocks),
    graph.integers(1, keyHeads, heads / keyHeads, -1, size),
  ]);
  const keys = graph.op("Transpose", [states.key], { perm: [0, 1, 3, 2] });
  const [key, value] = [keys, states.value].map((part) => graph.op("Unsqueeze", [part, graph.integers(2)]));

  const mixed = graph.loop(blocks.count, [queriesPerBlock, heads * size], (round) => {
    const block = cutBlock(graph, query, round);
    const range = keysOf(graph, blocks, reachOf(shape, isLocal), block.start);
    const cut = (part: Value, axis: number) =>
      range.isWhole ? part : graph.op("Slice", [part, range.from, range.to, graph.integers(axis)]);
    let scores = graph.op("MatMul", [block.query, cut(key!, 4)]);
    if (addDistances !== undefined) scores = graph.op("Add", [scores, addDistances(block)]);
    if (table !== undefined) {
      const origin = graph.op("Sub", [blocks.padded, block.start]);
      const column = (place: Value) => graph.op("Add", [place, origin]);
      const columns = [column(range.from), column(range.to), graph.integers(-1)];
      scores = graph.op("Add", [scores, graph.op("Slice", [table, ...columns])]);
    }
    const weights = graph.op("Softmax", [scores], { axis: -1 });
    const seen = graph.op("MatMul", [weights, cut(value!, 3)]);
    const byQuery = graph.op("Transpose", [seen], { perm: [0, 3, 1, 2, 4] });
    return graph.op("Reshape", [byQuery, graph.integers(queriesPerBlock, heads * size)]);
  });
  const rows = graph.op("Reshape", [mixed, graph.integers(1, -1, heads * size)]);
  return graph.op("Slice", [rows, graph.integers(0), blocks.length, graph.integers(1)]);
}

function cutBlock(graph: OnnxGraph, query: Value, round: Value): QueryBlock {
  const number = graph.op("Unsqueeze", [round, graph.integers(0)]);
  const start = graph.op("Mul", [number, graph.integers(queriesPerBlock)]);
  const end = graph.op("Add", [start, graph.integers(queriesPerBlock)]);
  return { number, start, query: graph.op("Slice", [query, start, end, graph.integers(3)]) };
}

/** The keys that some query of a block may look at: int64 vectors [1]. */
function keysOf(
  graph: OnnxGraph,
  { length }: QueryBlocks,
  { before, after }: Reach,
  start: Value,
): { readonly from: Value; readonly to: Value; readonly isWhole: boolean } {
  const moved = (by: number) => graph.op("Add", [start, graph.integers(by)]);
  return {
    from: before === undefined ? graph.integers(0) : graph.op("Max", [moved(-before), graph.integers(0)]),
    to: after === undefined ? length : graph.op("Min", [moved(queriesPerBlock + after), length]),
    isWhole: before === undefined && after === undefined,
  };
}

/** Adds places of zeros behind the text, so that all blocks are whole: [1, heads, S, D] to [1, heads, P, D]. */
export function padEnd(graph: OnnxGraph, value: Value, { length, padded }: QueryBlocks): Value {
  const missing = graph.op("Sub", [padded, length]);
  const amounts = [graph.integers(0, 0, 0, 0, 0, 0), missing, graph.integers(0)];
  return graph.op("Pad", [value, graph.op("Concat", amounts, { axis: 0 })]);
}
