import type { SpladePoolingModule } from "../../model/index.ts";
import { addBias, addLogarithms, type HeadParts, type SpladeHead } from "../head-parts.ts";
import type { Building } from "../layers.ts";
import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import type { HiddenStates } from "../transformer.ts";
import { byText, type Range, rangesOf } from "./decoder.ts";

/** Rows of the vocabulary whose products exist at once: few launches, and 250 MB for 16,384 tokens in half precision. */
const chunkRows = 7680;

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
  /** Of each token of each text: [B, S, rows]. */
  const scores = (range: Range) => {
    const products = graph.op("Gemm", [tokens, graph.weight(decoder, range)], { transB: 1 });
    return byText(graph, products, hidden.batchShape, range[1] - range[0]);
  };
  /** In half precision the tokens of a text lie side by side; in float32 that was slower. */
  const maximum = (range: Range) =>
    computed === "float16"
      ? largestByEntry(graph, tokens, graph.weight(decoder, range), range, hidden.batchShape)
      : graph.op("ReduceMax", [scores(range), graph.integers(1)], { keepdims: 0 });
  const sum = (range: Range) => {
    const products = scores(range);
    graph.computeIn("float32");
    const biased = addBias(graph, graph.asFloat(products, computed), bias, range);
    const mask = graph.op("Unsqueeze", [hidden.mask, graph.integers(2)]);
    const kept = graph.op("Where", [mask, biased, graph.scalar(0)]);
    const active = addLogarithms(graph, positive(graph, kept), pooling);
    graph.computeIn(computed);
    return graph.op("ReduceSum", [active, graph.integers(1)], { keepdims: 0 });
  };
  const sums = pooling.strategy === "sum";
  const chunks = rangesOf(vocabulary, chunkRows).map(sums ? sum : maximum);
  const joined = graph.op("Concat", chunks, { axis: 1 });
  graph.computeIn("float32");
  const vectors = sums
    ? joined
    : addLogarithms(graph, positive(graph, addBias(graph, graph.asFloat(joined, computed), bias)), pooling);
  return { vectors, dims: undefined, screenable: undefined };
}

/** Largest score over the tokens of each text, from products of which each row is an entry of the vocabulary: [B, rows]. */
function largestByEntry(
  graph: OnnxGraph,
  tokens: Value,
  weight: Value,
  [start, end]: Range,
  batchShape: Value,
): Value {
  const products = graph.op("Gemm", [weight, tokens], { transB: 1 });
  const shape = graph.op("Concat", [graph.integers(end - start), batchShape], { axis: 0 });
  const byTokens = graph.op("Reshape", [products, shape]);
  const maxima = graph.op("ReduceMax", [byTokens, graph.integers(2)], { keepdims: 0 });
  return graph.op("Transpose", [maxima], { perm: [1, 0] });
}

/** max(x, 0), but what is not a number stays, so that it is found: `Relu` makes 0 of it on some devices. */
function positive(graph: OnnxGraph, value: Value): Value {
  return graph.op("Where", [graph.op("LessOrEqual", [value, graph.scalar(0)]), graph.scalar(0), value]);
}
