import { type Building, byText, transposed } from "../layers.ts";
import type { Value } from "../onnx/onnx-graph.ts";
import { quantiseRows } from "../quantised-rows.ts";
import { integerProducts, largestProducts, scaleProducts } from "./integer-products.ts";

/**
 * Rows of the vocabulary a chunk. For throughput, its scores for 1,024 tokens stay in the cache until they are reduced; for
 * a short text the number of chunks counts. The decision record on the head has the measurements.
 */
const chunkRows = {
  float: { throughput: 1024, latency: 4096 },
  integer: { throughput: 128, latency: 1024 },
} as const;

/** Rows [start, end) of the vocabulary. */
export type Range = readonly [start: number, end: number];

/** All rows, at most `size` at a time. */
export function rangesOf(rows: number, size: number): Range[] {
  return Array.from({ length: Math.ceil(rows / size) }, (_, piece) => [
    piece * size,
    Math.min((piece + 1) * size, rows),
  ]);
}

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
    chunkRows: chunkRows.float[tuning === "latency" ? tuning : "throughput"],
    scores: (range) => graph.op("Transpose", [byEntry(range)], { perm: [1, 2, 0] }),
    maximum: (range) => {
      const maxima = graph.op("ReduceMax", [byEntry(range), graph.integers(2)], { keepdims: 0 });
      return graph.op("Transpose", [maxima], { perm: [1, 0] });
    },
    scale: (maxima) => maxima,
  };
}

function integerDecoder(
  { graph, tensors, tuning }: Building,
  name: string,
  tokens: Value,
  shape: readonly [number, number],
  batchShape: Value,
): Decoder {
  const { values, scales } = tensors.quantised(name, shape)!;
  // One scale per text, not per token: so the maximum over the tokens is taken of integers.
  const texts = quantiseRows(graph, byText(graph, tokens, batchShape, shape[1]), 3);
  const entries = (range: Range) => transposed(graph, graph.bytes(values, range));
  return {
    chunkRows: chunkRows.integer[tuning === "latency" ? tuning : "throughput"],
    scores: (range) => {
      const products = integerProducts(graph, texts, entries(range));
      const scaled = scaleProducts(graph, products, graph.weight(scales, range));
      // Not the product of both scales at once: the runtime takes that for one scale of all texts.
      return graph.op("Mul", [scaled, graph.op("Unsqueeze", [texts.scales, graph.integers(2)])]);
    },
    maximum: (range) => largestProducts(graph, texts, entries(range)),
    scale: (maxima) => graph.op("Mul", [scaleProducts(graph, maxima, graph.weight(scales)), texts.scales]),
  };
}
