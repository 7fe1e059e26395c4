import type { SpladePoolingModule } from "../../model/index.ts";
import { addBias, addLogarithms, type HeadParts, type SpladeHead } from "../head-parts.ts";
import { type Building, byText } from "../layers.ts";
import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import type { HiddenStates } from "../transformer.ts";
import { type Range, rangesOf } from "./decoder.ts";

/** Rows of the vocabulary whose products exist at once: few launches, and 500 MB for 16,384 tokens in half precision. */
const chunkRows = 15_360;

/** Products whose number of rows or columns is not a multiple of this run in kernels that take three times as long. */
const productStep = 8;

/**
 * Parts of each text whose products are made apart and joined by an elementwise maximum. The runtime's own reduction turns half
 * precision into float32 first, and takes three times as long as the products; so it gets no more than an eighth of them.
 */
const textParts = 8;

/** Rows of the vocabulary that one product takes. */
interface Chunk {
  readonly rows: Range;
  /** Rows at the start that the chunk before has too: they make the number of rows a multiple of {@link productStep}. */
  readonly repeated: number;
}

/**
 * The products with the vocabulary and their pooling for devices that run thousands of products at once: few large chunks, and
 * the entries that are not 0 chosen there. Everything behind the maximum over the tokens is float32.
 */
export function addWideHead(
  { graph, tensors }: Building,
  { tokens, bias, decoderName, decoderShape }: HeadParts,
  pooling: SpladePoolingModule,
  hidden: HiddenStates,
): SpladeHead {
  const [vocabulary] = decoderShape;
  const decoder = tensors.get(decoderName, decoderShape);
  const computed = graph.floatType;
  const parts =
    pooling.strategy === "max" ? partsOfTexts(graph, tokens, hidden.batchShape, decoderShape[1]) : [];
  const maximum = (range: Range) =>
    largestOfParts(graph, parts, graph.weight(decoder, range), hidden.batchShape, range);
  const sum = (range: Range) => {
    const products = graph.op("Gemm", [tokens, graph.weight(decoder, range)], { transB: 1 });
    const scores = byText(graph, products, hidden.batchShape, range[1] - range[0]);
    graph.computeIn("float32");
    const biased = addBias(graph, graph.asFloat(scores, computed), bias, range);
    const mask = graph.op("Unsqueeze", [hidden.mask, graph.integers(2)]);
    const kept = graph.op("Where", [mask, biased, graph.scalar(0)]);
    const active = addLogarithms(graph, positive(graph, kept), pooling);
    graph.computeIn(computed);
    return graph.op("ReduceSum", [active, graph.integers(1)], { keepdims: 0 });
  };
  const sums = pooling.strategy === "sum";
  const pooled = chunksOf(vocabulary).map(({ rows, repeated }) =>
    withoutFirst(graph, (sums ? sum : maximum)(rows), repeated),
  );
  const joined = graph.op("Concat", pooled, { axis: 1 });
  graph.computeIn("float32");
  const vectors = sums
    ? joined
    : addLogarithms(graph, positive(graph, addBias(graph, graph.asFloat(joined, computed), bias)), pooling);
  return { vectors, dims: undefined, screenable: undefined };
}

/** Chunks of about equal size; the last one begins earlier where the vocabulary is not a multiple of {@link productStep}. */
function chunksOf(vocabulary: number): Chunk[] {
  return rangesOf(vocabulary, chunkRows).map(([start, end]) => {
    const beyond = (end - start) % productStep;
    const repeated = beyond === 0 ? 0 : Math.min(productStep - beyond, start);
    return { rows: [start - repeated, end], repeated };
  });
}

/** [B, rows] without its first columns. */
function withoutFirst(graph: OnnxGraph, pooled: Value, columns: number): Value {
  if (columns === 0) return pooled;
  return graph.op("Slice", [pooled, ...[columns, Number.MAX_SAFE_INTEGER, 1].map((n) => graph.integers(n))]);
}

/** Every eighth token of each text, from each of its first eight on; the last token fills up: 8 x [B x ceil(S / 8), width]. */
function partsOfTexts(graph: OnnxGraph, tokens: Value, batchShape: Value, width: number): Value[] {
  const length = graph.op("Gather", [batchShape, graph.integers(1)]);
  const missing = graph.op("Mod", [graph.op("Neg", [length]), graph.integers(textParts)]);
  const pads = graph.op("Concat", [graph.integers(0, 0, 0, 0), missing, graph.integers(0)], { axis: 0 });
  const filled = graph.op("Pad", [byText(graph, tokens, batchShape, width), pads], { mode: "edge" });
  return Array.from({ length: textParts }, (_, part) => {
    const slice = [part, Number.MAX_SAFE_INTEGER, 1, textParts].map((number) => graph.integers(number));
    return graph.op("Reshape", [graph.op("Slice", [filled, ...slice]), graph.integers(-1, width)]);
  });
}

/** Largest score over the tokens of each text, from the products of its parts: [B, rows]. */
function largestOfParts(
  graph: OnnxGraph,
  parts: readonly Value[],
  weight: Value,
  batchShape: Value,
  [start, end]: Range,
): Value {
  const products = parts.map((part) => graph.op("Gemm", [part, weight], { transB: 1 }));
  const texts = graph.op("Slice", [batchShape, graph.integers(0), graph.integers(1)]);
  const shape = graph.op("Concat", [texts, graph.integers(-1, end - start)], { axis: 0 });
  const ofTexts = graph.op("Reshape", [graph.op("Max", products), shape]);
  return graph.op("ReduceMax", [ofTexts, graph.integers(1)], { keepdims: 0 });
}

/** max(x, 0), but what is not a number stays, so that it is found: `Relu` makes 0 of it on some devices. */
function positive(graph: OnnxGraph, value: Value): Value {
  return graph.op("Where", [graph.op("LessOrEqual", [value, graph.scalar(0)]), graph.scalar(0), value]);
}
