import type { SpladePoolingModule } from "../model/index.ts";
import { byText, rangesOf } from "./decoder.ts";
import { addBias, addLogarithms, type HeadParts, type SpladeHead } from "./head-parts.ts";
import type { Building } from "./layers.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";
import type { HiddenStates } from "./transformer.ts";

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
  const chunks = rangesOf(vocabulary, chunkRows).map((range) => {
    graph.computeIn(computed);
    const products = graph.op("Gemm", [tokens, graph.weight(decoder, range)], { transB: 1 });
    const scores = byText(graph, products, hidden.batchShape, range[1] - range[0]);
    graph.computeIn("float32");
    if (pooling.strategy === "sum") {
      const biased = addBias(graph, graph.asFloat(scores, computed), bias, range);
      const kept = graph.op("Where", [
        graph.op("Unsqueeze", [hidden.mask, graph.integers(2)]),
        biased,
        graph.scalar(0),
      ]);
      const active = addLogarithms(graph, positive(graph, kept), pooling);
      return graph.op("ReduceSum", [active, graph.integers(1)], { keepdims: 0 });
    }
    return graph.asFloat(graph.op("ReduceMax", [scores, graph.integers(1)], { keepdims: 0 }), computed);
  });
  const joined = graph.op("Concat", chunks, { axis: 1 });
  const vectors =
    pooling.strategy === "sum"
      ? joined
      : addLogarithms(graph, positive(graph, addBias(graph, joined, bias)), pooling);
  return { vectors, dims: undefined, screenable: undefined };
}

/** max(x, 0), but what is not a number stays, so that it is found: `Relu` makes 0 of it on some devices. */
function positive(graph: OnnxGraph, value: Value): Value {
  return graph.op("Where", [graph.op("LessOrEqual", [value, graph.scalar(0)]), graph.scalar(0), value]);
}
