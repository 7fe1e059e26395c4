import { type DistanceInputs, projectDistances, shiftRows } from "../disentangled.ts";
import type { Value } from "../onnx/onnx-graph.ts";
import { headsOf, scoreScale, type TransformerBuilding } from "../transformer-parts.ts";
import { padEnd, type QueryBlock, type QueryBlocks, queriesPerBlock } from "./query-blocks.ts";

/** What is added to the scores of a block of queries: [1, heads, 1, W, S]. */
export type BlockScores = (block: QueryBlock) => Value;

/**
 * As `addDistanceScores`, for a block of queries at a time.
 *
 * @param distances of the P places of all blocks
 * @param key [1, heads, S, D]
 */
export function addBlockDistances(
  transformer: TransformerBuilding,
  blocks: QueryBlocks,
  distances: DistanceInputs,
  number: number,
  key: Value,
): BlockScores | undefined {
  const { graph, shape } = transformer;
  const { toPositions, fromPositions } = shape.disentangled!;
  const parts: BlockScores[] = [];
  if (toPositions) parts.push(contentToDistance(transformer, blocks, distances, number));
  if (fromPositions) parts.push(distanceToContent(transformer, blocks, distances, number, key));
  if (parts.length < 2) return parts[0];
  return (block) =>
    graph.op(
      "Add",
      parts.map((part) => part(block)),
    );
}

/** Of the content of a query and the distance of a key. */
function contentToDistance(
  transformer: TransformerBuilding,
  { length, padded }: QueryBlocks,
  { table, falling }: DistanceInputs,
  number: number,
): BlockScores {
  const { graph, shape } = transformer;
  const { heads, size } = headsOf(shape, "query");
  const keys = projectDistances(transformer, number, "key", table, falling);
  const byHead = graph.op("Reshape", [keys, graph.integers(1, heads, 1, size, -1)]);
  return ({ start, query }) => {
    // Column P - 1 is for distance 0. The last query of the block is the farthest behind the first key.
    const from = graph.op("Sub", [padded, graph.op("Add", [start, graph.integers(queriesPerBlock)])]);
    const width = graph.op("Add", [length, graph.integers(queriesPerBlock - 1)]);
    const to = graph.op("Add", [from, width]);
    const products = graph.op("MatMul", [query, graph.op("Slice", [byHead, from, to, graph.integers(4)])]);
    const sizes = [graph.integers(1, heads, 1)];
    return shiftRows(graph, products, { sizes, rows: graph.integers(queriesPerBlock), columns: length });
  };
}

/**
 * Of the content of a key and the distance of a query. Keys are cut into blocks too, and a block of keys is multiplied with the
 * distances that occur between the two blocks only: 2W - 1 of them.
 */
function distanceToContent(
  transformer: TransformerBuilding,
  blocks: QueryBlocks,
  { table, rising }: DistanceInputs,
  number: number,
  key: Value,
): BlockScores {
  const { graph, shape } = transformer;
  const { heads, size } = headsOf(shape, "query");
  const width = queriesPerBlock;
  const scaled = graph.op("Mul", [padEnd(graph, key, blocks), graph.scalar(scoreScale(shape))]);
  const cut = graph.op("Reshape", [scaled, graph.integers(heads, -1, width, size)]);
  /** [N, heads, W, D]. */
  const keys = graph.op("Transpose", [cut], { perm: [1, 0, 2, 3] });
  const queries = projectDistances(transformer, number, "query", table, rising);
  // The first column is for the distance -P, which does not occur.
  const whole = graph.op("Pad", [queries, graph.integers(0, 0, 1, 0, 0, 0)]);
  const columns = graph.op("Reshape", [whole, graph.integers(heads, size, -1, width)]);
  const byBlock = graph.op("Transpose", [columns], { perm: [2, 0, 1, 3] });
  const from = (start: number, end: number) =>
    graph.op("Slice", [byBlock, graph.integers(start), graph.integers(end), graph.integers(0)]);
  /** For the blocks of queries that stand 1 - N … N - 1 blocks behind a block of keys: [2N - 1, heads, D, 2W]. */
  const pairs = graph.op("Concat", [from(0, -1), from(1, Number.MAX_SAFE_INTEGER)], { axis: 3 });
  const last = graph.op("Sub", [blocks.count, graph.integer(1)]);
  const numbers = graph.op("Range", [last, graph.integer(-1), graph.integer(-1)]);
  return ({ number: block }) => {
    const chosen = graph.op("Gather", [pairs, graph.op("Add", [numbers, block])]);
    const products = graph.op("MatMul", [keys, chosen]);
    // Key c of a block takes column W + r - c for query r.
    const flat = graph.op("Reshape", [products, graph.integers(-1, heads, 2 * width * width)]);
    const moved = graph.op("Slice", [
      flat,
      graph.integers(width),
      graph.integers(2 * width * width),
      graph.integers(2),
    ]);
    const rows = graph.op("Reshape", [moved, graph.integers(-1, heads, width, 2 * width - 1)]);
    const aligned = graph.op("Slice", [rows, graph.integers(0), graph.integers(width), graph.integers(3)]);
    const byQuery = graph.op("Transpose", [aligned], { perm: [1, 3, 0, 2] });
    const scores = graph.op("Reshape", [byQuery, graph.integers(1, heads, 1, width, -1)]);
    return graph.op("Slice", [scores, graph.integers(0), blocks.length, graph.integers(4)]);
  };
}
