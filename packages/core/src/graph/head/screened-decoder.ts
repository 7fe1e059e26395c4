import type { StoredTensor } from "../../model/index.ts";
import type { ScreenTables, TablePart } from "../../runtime/index.ts";
import { byText, largestInteger } from "../layers.ts";
import { OnnxGraph, type Value } from "../onnx/onnx-graph.ts";
import { initializerStart } from "../onnx/onnx-messages.ts";
import { rangesOf } from "./decoder.ts";
import { largestProducts, quantiseBatch, scaleProducts, widen } from "./integer-products.ts";

/**
 * Rows of the vocabulary whose exact products are made at once: for 1,024 tokens, at most 8 MB of them. Each block packs the
 * tokens again.
 */
const blockRows = 2048;

/** Rows of the vocabulary an integer product: its sums for 1,024 tokens are 1 MB, and are reduced at once. */
const chunkRows = 256;

/** Covers the rounding of float32 in the products and norms here, relative to the product of two norms. */
const roundingSlack = 1e-4;

/** The vocabulary entries that some text of a batch can activate, and their exact scores. */
export interface Screened {
  /** Numbers of the entries: int64 [C], ascending. */
  readonly dims: Value;
  /** Largest score over the tokens of each text, bias included: [C, B]. */
  readonly maxima: Value;
}

/**
 * Adds a decoder that finds out with integer products which entries can be positive at all, and makes exact products for
 * these alone. An entry is left out only if a bound on its score is not above 0: with q(x) for what x is after
 * quantisation, |h.w - q(h).q(w)| <= |h - q(h)| |w| + |q(h)| |w - q(w)|. So the result equals the result of the whole decoder.
 *
 * @param weight [V, width] of the decoder
 * @param tokens [B x S, width]
 * @param batchShape int64 vector [B, S]
 * @param bias [V]
 */
export function addScreenedDecoder(
  graph: OnnxGraph,
  weight: StoredTensor,
  tokens: Value,
  batchShape: Value,
  bias: Value,
): Screened {
  const possible = addScreen(graph, weight, tokens, batchShape, bias);
  const dims: Value[] = [];
  const maxima: Value[] = [];
  for (const [start, end] of rangesOf(weight.shape[0]!, blockRows)) {
    const part = graph.op("Slice", [possible, graph.integers(start), graph.integers(end), graph.integers(0)]);
    const chosen = graph.op("Squeeze", [graph.op("NonZero", [part]), graph.integers(0)]);
    const rows = graph.op("Gather", [graph.weight(weight, [start, end]), chosen]);
    const products = graph.op("Gemm", [rows, tokens], { transB: 1 });
    const shape = graph.op("Concat", [graph.op("Shape", [chosen]), batchShape], { axis: 0 });
    const byChosen = graph.op("Reshape", [products, shape], { allowzero: 1 });
    maxima.push(graph.op("ReduceMax", [byChosen, graph.integers(2)], { keepdims: 0 }));
    dims.push(graph.op("Add", [chosen, graph.integer(start)]));
  }
  const all = graph.op("Concat", dims, { axis: 0 });
  const biases = graph.op("Unsqueeze", [graph.op("Gather", [bias, all]), graph.integers(1)]);
  const joined = graph.op("Concat", maxima, { axis: 0 });
  return { dims: all, maxima: graph.op("Add", [joined, biases]) };
}

/** True for each entry that may be positive in some text: bool [V]. */
function addScreen(
  graph: OnnxGraph,
  weight: StoredTensor,
  tokens: Value,
  batchShape: Value,
  bias: Value,
): Value {
  const [vocabulary, width] = weight.shape as [number, number];
  const ofTexts = byText(graph, tokens, batchShape, width);
  const quantised = quantiseBatch(graph, ofTexts);
  const shifted = graph.op("Sub", [widen(graph, quantised.values), widen(graph, quantised.zeroPoint)]);
  const restored = graph.op("Mul", [shifted, quantised.scales]);
  /** Largest norm of a token of each text: [B, 1]. */
  const largestNorm = (values: Value) =>
    graph.op("ReduceMax", [norm(graph, values), graph.integers(1)], { keepdims: 1 });
  const tokenNorm = largestNorm(restored);
  const tokenError = largestNorm(graph.op("Sub", [ofTexts, restored]));

  const products = rangesOf(vocabulary, chunkRows).map(([start]) =>
    largestProducts(graph, quantised, chunkName(start)),
  );
  const joined = graph.op("Concat", products, { axis: 1 });
  const scales = graph.op("Mul", [statisticNames.scales, quantised.scales]);
  const approximate = scaleProducts(graph, joined, scales);
  const slack = graph.op("Mul", [tokenNorm, graph.scalar(roundingSlack)]);
  const error = graph.op("Add", [
    graph.op("Mul", [graph.op("Add", [tokenError, slack]), statisticNames.norms]),
    graph.op("Mul", [tokenNorm, statisticNames.errors]),
  ]);
  const bounds = graph.op("Add", [approximate, error]);
  const highest = graph.op("ReduceMax", [bounds, graph.integers(0)], { keepdims: 0 });
  // Not "above 0": NaN must get into the exact products, where it is found.
  return graph.op("Not", [graph.op("LessOrEqual", [graph.op("Add", [highest, bias]), graph.scalar(0)])]);
}

/**
 * The tables for a decoder's weight. The runtime computes them from the mapped file, block by block: it is not read a
 * second time, and memory holds little more than they take.
 */
export function screenTables(weight: StoredTensor): ScreenTables {
  const graph = new OnnxGraph();
  const [vocabulary, width] = weight.shape as [number, number];
  const chunks: Value[] = [];
  const statistics: Record<keyof typeof statisticNames, Value[]> = { scales: [], norms: [], errors: [] };
  for (const [start, end] of rangesOf(vocabulary, blockRows)) {
    const rows = graph.weight(weight, [start, end]);
    const peak = graph.op("ReduceMax", [graph.op("Abs", [rows]), graph.integers(1)], { keepdims: 0 });
    const exact = graph.op("Mul", [peak, graph.scalar(1 / largestInteger)]);
    // A row of zeros has a scale too.
    const scale = graph.op("Max", [exact, graph.scalar(1e-30)]);
    const quantised = graph.op("QuantizeLinear", [rows, scale, graph.int8Zeros(end - start)], { axis: 0 });
    const column = graph.op("Unsqueeze", [scale, graph.integers(1)]);
    const restored = graph.op("Mul", [widen(graph, quantised), column]);
    statistics.scales.push(scale);
    statistics.norms.push(norm(graph, rows));
    statistics.errors.push(norm(graph, graph.op("Sub", [rows, restored])));
    // Chunks of equal size are turned together; the last one of all may be smaller.
    const whole = Math.floor((end - start) / chunkRows) * chunkRows;
    const pieces = [
      { from: 0, to: whole, size: chunkRows },
      { from: whole, to: end - start, size: end - start - whole },
    ];
    for (const { from, to, size } of pieces.filter((piece) => piece.from < piece.to)) {
      const piece = graph.op("Slice", [
        quantised,
        graph.integers(from),
        graph.integers(to),
        graph.integers(0),
      ]);
      const cut = graph.op("Reshape", [piece, graph.integers(-1, size, width)]);
      const turned = graph.op("Transpose", [cut], { perm: [0, 2, 1] });
      chunks.push(graph.op("Reshape", [turned, graph.integers(-1)]));
    }
  }
  const parts: TablePart[] = [];
  const table = (output: string, values: readonly Value[], type: "int8" | "float32", size: number) =>
    graph.output(output, graph.op("Concat", values, { axis: 0 }), type, [size]);
  table("chunks", chunks, "int8", vocabulary * width);
  for (const [first, end] of rangesOf(vocabulary, chunkRows)) {
    const [from, to] = [first * width, end * width];
    const start = initializerStart(chunkName(first), "int8", [width, end - first], to - from);
    parts.push({ start, output: "chunks", from, to });
  }
  for (const [kind, output] of Object.entries(statisticNames)) {
    table(output, statistics[kind as keyof typeof statisticNames], "float32", vocabulary);
    const start = initializerStart(output, "float32", [vocabulary], vocabulary * 4);
    parts.push({ start, output, from: 0, to: vocabulary });
  }
  return { model: graph.finish(), parts };
}

/** Names of the tables in the graph that uses them: scale, norm and norm of the quantisation error of each entry. */
const statisticNames = {
  scales: "screen_scales" as Value,
  norms: "screen_norms" as Value,
  errors: "screen_errors" as Value,
};

/** The quantised entries from number `start` on: int8 [width, entries]. */
function chunkName(start: number): Value {
  return `screen_chunk_${start}` as Value;
}

/** Euclidean norm of each row. */
function norm(graph: OnnxGraph, rows: Value): Value {
  return graph.op("ReduceL2", [rows, graph.integers(-1)], { keepdims: 0 });
}
