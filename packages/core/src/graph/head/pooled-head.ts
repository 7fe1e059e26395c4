import type {
  DenseModule,
  LayerNormModule,
  PoolingMode,
  PoolingModule,
  SparseAutoEncoderModule,
} from "../../model/index.ts";
import { activation, type Building, byText, floatLinear, layerNorm } from "../layers.ts";
import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import type { HiddenStates } from "../transformer.ts";

/** What is pooled. */
export interface TokenStates {
  /** [B, S, H], float32. */
  readonly states: Value;
  /** [B, S], bool: true where a real token stands. */
  readonly mask: Value;
  /** [S], int64: 0, 1, 2 … */
  readonly places: Value;
  /** [B, 1], int64: number of real tokens. */
  readonly lengths: Value;
}

/** The token vectors of a transformer by text, in float32. */
export function tokenStates(graph: OnnxGraph, hidden: HiddenStates, hiddenSize: number): TokenStates {
  // One vector per text is little work: in float32 whatever the tokens were computed in.
  const computed = graph.floatType;
  graph.computeIn("float32");
  const states = byText(graph, graph.asFloat(hidden.tokens, computed), hidden.batchShape, hiddenSize);
  return { states, mask: hidden.mask, places: hidden.places, lengths: hidden.lengths };
}

/**
 * Adds pooling of token vectors: [B, modes x H]. Source: `Pooling` of sentence-transformers. Where the prompt is left
 * out of it, the graph takes a further input `skip`, int64 [1]: the number of tokens at the start that do not count.
 */
export function addPooling(graph: OnnxGraph, pooling: PoolingModule, hidden: TokenStates): Value {
  const start = pooling.includePrompt ? graph.integers(0) : graph.input("skip", "int64", [1]);
  const counted = pooling.includePrompt
    ? hidden.mask
    : graph.op("And", [hidden.mask, graph.op("GreaterOrEqual", [hidden.places, start])]);
  const pooled = pooling.modes.map((mode) => addMode(graph, mode, hidden, counted, start));
  return pooled.length === 1 ? pooled[0]! : graph.op("Concat", pooled, { axis: 1 });
}

function addMode(
  graph: OnnxGraph,
  mode: PoolingMode,
  hidden: TokenStates,
  counted: Value,
  start: Value,
): Value {
  const { states } = hidden;
  const column = (value: Value) => graph.unsqueeze(value, 2);
  const sum = (value: Value) => graph.reduce("ReduceSum", value, 1);
  const zero = graph.scalar(0);
  const one = graph.scalar(1);
  // Choosing, not multiplying: what stands at padding must not matter, whatever it is.
  const only = (chosen: Value) => graph.op("Where", [column(chosen), states, zero]);
  const count = (weights: Value) => graph.unsqueeze(graph.op("Max", [sum(weights), graph.scalar(1e-9)]), 1);
  const weights = graph.op("Where", [counted, one, zero]);
  switch (mode) {
    case "cls":
      return sum(only(graph.op("And", [counted, graph.op("Equal", [hidden.places, start])])));
    case "max": {
      const lowest = graph.scalar(-3.4028234663852886e38);
      const kept = graph.op("Where", [column(counted), states, lowest]);
      return graph.reduce("ReduceMax", kept, 1);
    }
    case "mean":
      return graph.op("Div", [sum(only(counted)), count(weights)]);
    case "mean_sqrt_len":
      return graph.op("Div", [sum(only(counted)), graph.op("Sqrt", [count(weights)])]);
    case "weightedmean": {
      const ranks = graph.op("Add", [graph.op("Cast", [hidden.places], { to: 1 }), one]);
      const ranked = graph.op("Mul", [weights, ranks]);
      return graph.op("Div", [sum(graph.op("Mul", [only(counted), column(ranked)])), count(ranked)]);
    }
    case "lasttoken": {
      const last = graph.op("Equal", [hidden.places, graph.op("Sub", [hidden.lengths, graph.integer(1)])]);
      return sum(only(graph.op("And", [counted, last])));
    }
  }
}

/** Adds scaling to length 1. Source: `Normalize` of sentence-transformers, eps 1e-12. */
export function addNormalize(graph: OnnxGraph, vectors: Value): Value {
  const norm = graph.unsqueeze(graph.reduce("ReduceL2", vectors, 1), 1);
  return graph.op("Div", [vectors, graph.op("Max", [norm, graph.scalar(1e-12)])]);
}

/** Adds a linear layer with activation. Source: `Dense` of sentence-transformers. */
export function addDense(building: Building, dense: DenseModule, vectors: Value): Value {
  const { inFeatures, outFeatures, bias } = dense;
  const output = floatLinear(building, "linear", vectors, inFeatures, outFeatures, bias);
  return activation(building.graph, dense.activation, output);
}

/** Adds layer normalisation. Source: `LayerNorm` of sentence-transformers, with the default eps of torch. */
export function addLayerNorm(building: Building, { width }: LayerNormModule, vectors: Value): Value {
  return layerNorm(building, "norm", vectors, width, 1e-5);
}

/**
 * Adds a sparse autoencoder's encoder: [B, latents], negative latents cut to 0. Its limit on active dims is applied
 * to the rows afterwards: the largest values are the same before and after that cut.
 * Source: `SparseAutoEncoder` of sentence-transformers.
 */
export function addSparseAutoEncoder(
  { graph, tensors }: Building,
  module: SparseAutoEncoderModule,
  vectors: Value,
): Value {
  const { inputSize, latents } = module;
  const input = module.normalize ? addStandardise(graph, vectors, inputSize) : vectors;
  const centred = graph.op("Sub", [input, graph.weight(tensors.get("pre_bias", [inputSize]))]);
  // Encoder and decoder are tied; files store the matrix under either name.
  const name = tensors.has("encoder.weight") ? "encoder.weight" : "decoder.linear.weight";
  const matrix = graph.weight(tensors.get(name, [latents, inputSize]));
  const bias = graph.weight(tensors.get("latent_bias", [latents]));
  return graph.op("Relu", [graph.op("Gemm", [centred, matrix, bias], { transB: 1 })]);
}

/** (x - mean) / (sample standard deviation + 1e-5) of each row. */
function addStandardise(graph: OnnxGraph, vectors: Value, width: number): Value {
  const mean = graph.op("ReduceMean", [vectors, graph.integers(1)], { keepdims: 1 });
  const centred = graph.op("Sub", [vectors, mean]);
  const squares = graph.op("ReduceSumSquare", [centred, graph.integers(1)], { keepdims: 1 });
  const deviation = graph.op("Sqrt", [graph.op("Mul", [squares, graph.scalar(1 / (width - 1))])]);
  return graph.op("Div", [centred, graph.op("Add", [deviation, graph.scalar(1e-5)])]);
}
