import type { RotaryRates, TransformerShape } from "./family.ts";
import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";
import type { TransformerBuilding } from "./transformer-parts.ts";

/** The lowest float32: finite, like the reference, since -Infinity would turn a fully masked row into NaN. */
export const masked = -3.4028234663852886e38;

/** A rotation of queries and keys by their place. */
export interface Rotation {
  /** [B, heads, S, width] to the same. */
  readonly apply: (value: Value) => Value;
}

/**
 * Rotary position embeddings: the two halves of each head are turned against each other by an angle that grows with
 * the place. Source: https://arxiv.org/abs/2104.09864.
 */
export function addRotation(graph: OnnxGraph, places: Value, rates: RotaryRates): Rotation {
  const half = rates.rates.length;
  const width = 2 * half;
  const angles = addAngles(graph, places, rates);
  const both = graph.op("Concat", [angles, angles], { axis: -1 });
  const [cosine, sine] = [addScaled(graph, "Cos", both, rates), addScaled(graph, "Sin", both, rates)];
  const part = (value: Value, start: number, end: number) =>
    graph.op("Slice", [value, graph.integers(start), graph.integers(end), graph.integers(3)]);
  return {
    apply: (value) => {
      const turned = graph.op("Concat", [graph.op("Neg", [part(value, half, width)]), part(value, 0, half)], {
        axis: -1,
      });
      return graph.op("Add", [graph.op("Mul", [value, cosine]), graph.op("Mul", [turned, sine])]);
    },
  };
}

/** Cosines and sines of the angles of each place, one for each rate: [S, width / 2]. */
export interface RotationTables {
  readonly cosines: Value;
  readonly sines: Value;
}

/** As {@link addRotation}, for an operator that turns the halves itself. In the type of the graph. */
export function addRotationTables(graph: OnnxGraph, places: Value, rates: RotaryRates): RotationTables {
  const angles = addAngles(graph, places, rates);
  return {
    cosines: graph.asFloat(addScaled(graph, "Cos", angles, rates), "float32"),
    sines: graph.asFloat(addScaled(graph, "Sin", angles, rates), "float32"),
  };
}

/** The angle of each place at each rate: [S, width / 2]. In float32: half precision has no room for the places. */
function addAngles(graph: OnnxGraph, places: Value, { label, rates }: RotaryRates): Value {
  const column = graph.op("Unsqueeze", [graph.op("Cast", [places], { to: 1 }), graph.integers(1)]);
  return graph.op("Mul", [column, graph.vector(`rates_${label}`, rates)]);
}

/** Cosines or sines of angles, float32, as large as the rates ask for. */
function addScaled(
  graph: OnnxGraph,
  type: "Cos" | "Sin",
  angles: Value,
  { label, scale = 1 }: RotaryRates,
): Value {
  const values = graph.op(type, [angles]);
  return scale === 1
    ? values
    : graph.op("Mul", [values, graph.vector(`rotary_scale_${label}`, Float32Array.of(scale))]);
}

/** Which places a place may look at: bool [S, S]; undefined for all. */
export function addReach(
  graph: OnnxGraph,
  places: Value,
  { causal, local }: TransformerShape,
  isLocal: boolean,
): Value | undefined {
  const window = isLocal ? local : undefined;
  if (window === undefined && causal !== true) return undefined;
  const distance = distances(graph, places);
  const atMost = (value: Value, limit: number) => graph.op("LessOrEqual", [value, graph.integer(limit)]);
  const after = causal === true ? 0 : window!.after;
  if (window === undefined) return atMost(distance, after);
  if (window.before === after) return atMost(graph.op("Abs", [distance]), after);
  return graph.op("And", [atMost(distance, after), atMost(graph.op("Neg", [distance]), window.before)]);
}

/**
 * What forbids keys by their distance from a query: 0, or so low that the weight becomes 0. Undefined if all are allowed.
 *
 * @param distance place of the key minus place of the query: int64, of any shape
 * @param before places before a query that it may look at; undefined for all
 * @param after the same behind it
 */
export function addReachTable(
  graph: OnnxGraph,
  distance: Value,
  before: number | undefined,
  after: number | undefined,
): Value | undefined {
  const conditions: Value[] = [];
  if (after !== undefined) conditions.push(graph.op("LessOrEqual", [distance, graph.integer(after)]));
  if (before !== undefined) conditions.push(graph.op("GreaterOrEqual", [distance, graph.integer(-before)]));
  if (conditions.length === 0) return undefined;
  const allowed = conditions.length === 2 ? graph.op("And", conditions) : conditions[0]!;
  return graph.op("Where", [allowed, graph.scalar(0), graph.scalar(masked)]);
}

/** The longest distance that buckets tell apart. */
const longestDistance = 128;

/**
 * A learned bias for each pair of places by their distance: [1, heads, S, S]. Near distances have a bucket each,
 * farther ones share buckets that widen logarithmically. Source: MPNetEncoder in transformers, after T5.
 */
export function addRelativeBias(transformer: TransformerBuilding, places: Value): Value {
  const { graph } = transformer;
  const bias = addBiasOf(transformer, distances(graph, places));
  return graph.op("Unsqueeze", [bias, graph.integers(0)]);
}

/** As {@link addRelativeBias} for distances [W, C] of keys from queries, farther ones included: [heads, 1, W, C]. */
export function addRelativeTable(transformer: TransformerBuilding, distance: Value): Value {
  const { graph, shape } = transformer;
  const reach = graph.integer(shape.positions!.rows);
  const near = graph.op("Max", [graph.op("Min", [distance, reach]), graph.op("Neg", [reach])]);
  return graph.op("Unsqueeze", [addBiasOf(transformer, near), graph.integers(1)]);
}

/** [W, C] to [heads, W, C]. */
function addBiasOf(transformer: TransformerBuilding, distance: Value): Value {
  const { graph, tensors, family, shape, prefix } = transformer;
  const buckets = shape.relativeBuckets!;
  const table = tensors.get(prefix + family.names.relativeBias!, [buckets, shape.heads]);
  const reach = shape.positions!.rows;
  const numbers = Array.from({ length: 2 * reach + 1 }, (_, position) => bucketOf(position - reach, buckets));
  const shifted = graph.op("Add", [distance, graph.integer(reach)]);
  const bucket = graph.op("Gather", [graph.integers(...numbers), shifted]);
  return graph.op("Transpose", [graph.op("Gather", [graph.weight(table), bucket])], { perm: [2, 0, 1] });
}

/** Bucket of the distance from a query to a key, in float32 steps like the reference. */
function bucketOf(distance: number, buckets: number): number {
  const half = buckets / 2;
  const side = distance > 0 ? half : 0;
  const far = Math.abs(distance);
  const exact = half / 2;
  if (far < exact) return side + far;
  const logarithm = Math.fround(Math.log(Math.fround(far / exact)));
  const share = Math.fround(logarithm / Math.fround(Math.log(longestDistance / exact)));
  return side + Math.min(half - 1, exact + Math.trunc(Math.fround(share * (half - exact))));
}

/** Place of the key minus place of the query: int64 [S, S]. */
function distances(graph: OnnxGraph, places: Value): Value {
  return graph.op("Sub", [
    graph.op("Unsqueeze", [places, graph.integers(0)]),
    graph.op("Unsqueeze", [places, graph.integers(1)]),
  ]);
}
