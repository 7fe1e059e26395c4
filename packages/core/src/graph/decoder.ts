import { type Building, transposed } from "./layers.ts";
import type { Value } from "./onnx-graph.ts";

/**
 * Rows of the vocabulary a chunk. For throughput, its scores for 1,024 tokens stay in the cache until they are reduced; for
 * a short text the number of chunks counts. The decision record on the head has the measurements.
 */
const chunkRows = {
  float: { throughput: 1024, screened: 1024, latency: 4096 },
  integer: { throughput: 128, screened: 128, latency: 1024 },
} as const;

/** Rows [start, end) of the vocabulary. */
type Range = readonly [start: number, end: number];

/** The product of token vectors with the vectors of the vocabulary, one chunk of the vocabulary at a time. */
export interface Decoder {
  /** Rows a chunk. */
  readonly chunkRows: number;
  /** Scores of a chunk: [B, S, rows], float32. */
  readonly scores: (range: Range) => Value;
  /** Largest score over the tokens of each text: [B, rows], in the decoder's own numbers. */
  readonly maximum: (range: Range) => Value;
  /** From the decoder's own numbers to float32: [B, V]. */
  readonly scale: (maxima: Value) => Value;
}

/**
 * Adds what all chunks of a decoder share.
 *
 * @param tokens [B x S, width]
 * @param shape [vocabulary, width] of the weight `name`
 * @param batchShape int64 vector [B, S]
 */
export function addDecoder(
  building: Building,
  name: string,
  tokens: Value,
  shape: readonly [vocabulary: number, width: number],
  batchShape: Value,
): Decoder {
  return building.tensors.quantised(name, shape) === undefined
    ? floatDecoder(building, name, tokens, shape, batchShape)
    : integerDecoder(building, name, tokens, shape, batchShape);
}

function floatDecoder(
  { graph, tensors, tuning }: Building,
  name: string,
  tokens: Value,
  shape: readonly [number, number],
  batchShape: Value,
): Decoder {
  const weight = tensors.get(name, shape);
  /** [rows, B, S]: the tokens of one text lie together, so they are reduced without jumps. */
  const byEntry = (range: Range) => {
    const products = graph.op("Gemm", [graph.weight(weight, range), tokens], { transB: 1 });
    const target = graph.op("Concat", [graph.integers(range[1] - range[0]), batchShape], { axis: 0 });
    return graph.op("Reshape", [products, target]);
  };
  return {
    chunkRows: chunkRows.float[tuning],
    scores: (range) => graph.op("Transpose", [byEntry(range)], { perm: [1, 2, 0] }),
    maximum: (range) => {
      const maxima = graph.op("ReduceMax", [byEntry(range), graph.integers(2)], { keepdims: 0 });
      return graph.op("Transpose", [maxima], { perm: [1, 0] });
    },
    scale: (maxima) => maxima,
  };
}

/**
 * Integer products: the tokens of a batch share one scale, and every vocabulary entry has one, all positive; so the
 * maximum is taken over the int32 products and scaled afterwards.
 */
function integerDecoder(
  { graph, tensors, tuning }: Building,
  name: string,
  tokens: Value,
  shape: readonly [number, number],
  batchShape: Value,
): Decoder {
  const { values, scales } = tensors.quantised(name, shape)!;
  const [quantised, tokenScale, zeroPoint] = graph.outputsOf("DynamicQuantizeLinear", 3, [tokens]);
  const tokenShape = graph.op("Concat", [batchShape, graph.integers(shape[1])], { axis: 0 });
  const byText = graph.op("Reshape", [quantised!, tokenShape]);
  const products = (range: Range) =>
    graph.op("MatMulInteger", [byText, transposed(graph, graph.bytes(values, range)), zeroPoint!]);
  const widen = (integers: Value, rowScales: Value) =>
    graph.op("Mul", [graph.op("Cast", [integers], { to: 1 }), graph.op("Mul", [rowScales, tokenScale!])]);
  return {
    chunkRows: chunkRows.integer[tuning],
    scores: (range) => widen(products(range), graph.weight(scales, range)),
    maximum: (range) => graph.op("ReduceMax", [products(range), graph.integers(1)], { keepdims: 0 }),
    scale: (maxima) => widen(maxima, graph.weight(scales)),
  };
}
