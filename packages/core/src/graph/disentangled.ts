import { linear } from "./layers.ts";
import { absent, type OnnxGraph, type Value } from "./onnx/onnx-graph.ts";
import { norm, type TransformerBuilding } from "./transformer-parts.ts";

/** What the layers of a model share: the table of distances, and which of its rows stand for which distance. */
export interface DistanceInputs {
  /** [rows, H]. */
  readonly table: Value;
  /** Rows of the distances S - 1 … 1 - S, and of 1 - S … S - 1: int64 [2S - 1] each. */
  readonly falling: Value;
  readonly rising: Value;
  /** int64 vector [B, S]. */
  readonly batchShape: Value;
}

/** The distance of a query from a key is the query's place minus the key's. Undefined in a model without. */
export function addDistances(
  transformer: TransformerBuilding,
  places: Value,
  batchShape: Value,
): DistanceInputs | undefined {
  const { graph, tensors, family, shape, prefix } = transformer;
  const { disentangled, hiddenSize, longestInput } = shape;
  const { distances } = family.names;
  if (disentangled?.isOn !== true || distances === undefined) return undefined;
  const { reach, buckets } = disentangled;
  const span = buckets > 0 ? buckets : reach;
  const table = graph.weight(tensors.get(prefix + distances.table, [2 * span, hiddenSize]));
  const farthest = longestInput! - 1;
  const numbers = Array.from({ length: 2 * farthest + 1 }, (_, position) => {
    const bucket = bucketOf(position - farthest, buckets, reach);
    return Math.min(2 * span - 1, Math.max(0, bucket + span));
  });
  const rows = graph.integers(...numbers);
  const last = graph.integer(2 * farthest);
  /** Blocks of queries reach behind the longest text, where the numbers have no meaning. */
  const clamped = (distance: Value) => {
    const position = graph.op("Add", [distance, graph.integer(farthest)]);
    return graph.op("Max", [graph.op("Min", [position, last]), graph.integer(0)]);
  };
  const reversed = graph.op("Slice", [places, ...[-1, 0, 0, -1].map((number) => graph.integers(number))]);
  const ascending = graph.op("Concat", [graph.op("Neg", [reversed]), places], { axis: 0 });
  const at = (distance: Value) => graph.op("Gather", [rows, clamped(distance)]);
  return {
    table: disentangled.normed ? norm(transformer, prefix + distances.norm, table, hiddenSize) : table,
    falling: at(graph.op("Neg", [ascending])),
    rising: at(ascending),
    batchShape,
  };
}

/** Near distances have a bucket each, farther ones share buckets that widen logarithmically; in float32 steps like the reference. */
function bucketOf(distance: number, buckets: number, reach: number): number {
  const middle = Math.trunc(buckets / 2);
  const far = Math.abs(distance);
  if (buckets <= 0 || far <= middle) return distance;
  const { fround, log } = Math;
  const share = fround(fround(log(fround(far / middle))) / fround(log(fround((reach - 1) / middle))));
  return Math.sign(distance) * (Math.ceil(fround(share * (middle - 1))) + middle);
}

/**
 * What is added to the scores: content of the query with the distance of the key, and the other way round. [B, heads, S, S]
 *
 * @param query [B, heads, S, D], times the scale of the scores
 * @param key [B, heads, S, D]
 * @param scale of the scores
 */
export function addDistanceScores(
  transformer: TransformerBuilding,
  inputs: DistanceInputs,
  number: number,
  { query, key, scale }: { readonly query: Value; readonly key: Value; readonly scale: number },
): Value | undefined {
  const { graph, shape } = transformer;
  const { toPositions, fromPositions } = shape.disentangled!;
  const scores: Value[] = [];
  if (toPositions) {
    const keys = projectDistances(transformer, number, "key", inputs.table, inputs.falling);
    scores.push(alignDistances(transformer, inputs, graph.op("MatMul", [query, keys])));
  }
  if (fromPositions) {
    const queries = projectDistances(transformer, number, "query", inputs.table, inputs.rising);
    const products = graph.op("MatMul", [graph.op("Mul", [key, graph.scalar(scale)]), queries]);
    const byKey = alignDistances(transformer, inputs, products);
    scores.push(graph.op("Transpose", [byKey], { perm: [0, 1, 3, 2] }));
  }
  return scores.length === 2 ? graph.op("Add", scores) : scores[0];
}

/** Queries or keys of distances: [heads, D, 2S - 1]. */
export function projectDistances(
  transformer: TransformerBuilding,
  number: number,
  part: "query" | "key",
  table: Value,
  rows: Value,
): Value {
  const { graph, family, shape, prefix } = transformer;
  const { hiddenSize, heads } = shape;
  const { attention, distances, layer } = family.names;
  const shared = "joined" in attention ? attention.joined : attention[part];
  const name = shape.disentangled!.sharesProjections ? shared : distances![part];
  const projected = linear(transformer, prefix + layer(number) + name, table, hiddenSize, hiddenSize);
  const chosen = graph.op("Gather", [projected, rows]);
  const byHead = graph.op("Reshape", [chosen, graph.integers(-1, heads, hiddenSize / heads)]);
  return graph.op("Transpose", [byHead], { perm: [1, 2, 0] });
}

/** From a column per distance to a column per place: [B, heads, S, 2S - 1] to [B, heads, S, S]. */
function alignDistances(
  { graph, shape }: TransformerBuilding,
  { batchShape }: DistanceInputs,
  products: Value,
): Value {
  const batch = graph.op("Slice", [batchShape, graph.integers(0), graph.integers(1)]);
  const length = graph.op("Slice", [batchShape, graph.integers(1), graph.integers(2)]);
  const sizes = [batch, graph.integers(shape.heads)];
  return shiftRows(graph, products, { sizes, rows: length, columns: length });
}

/**
 * From [...sizes, R, C + R - 1] to [...sizes, R, C], where row r takes column R - 1 - r + c as column c. With one column more, rows that
 * are read one number shorter move by one each.
 *
 * @param to int64 vectors: the sizes before the last two, R [1] and C [1]
 */
export function shiftRows(
  graph: OnnxGraph,
  products: Value,
  to: { readonly sizes: readonly Value[]; readonly rows: Value; readonly columns: Value },
): Value {
  const shaped = (...rest: Value[]) => graph.op("Concat", [...to.sizes, ...rest], { axis: 0 });
  const start = graph.op("Sub", [to.rows, graph.integers(1)]);
  const width = graph.op("Add", [to.columns, start]);
  const widened = graph.op("Pad", [products, graph.integers(0, 1), absent, graph.integers(-1)]);
  const flat = graph.op("Reshape", [widened, shaped(graph.integers(-1))]);
  const end = graph.op("Add", [start, graph.op("Mul", [to.rows, width])]);
  const moved = graph.op("Slice", [flat, start, end, graph.integers(-1)]);
  const rows = graph.op("Reshape", [moved, shaped(to.rows, width)]);
  return graph.op("Slice", [rows, graph.integers(0), to.columns, graph.integers(-1)]);
}
