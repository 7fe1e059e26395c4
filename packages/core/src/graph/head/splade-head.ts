import { SparseEncoderError } from "../../errors.ts";
import type { SpladePoolingModule } from "../../model/index.ts";
import type { Family, TransformerShape } from "../family.ts";
import { addActivation, addBias, type HeadParts, type SpladeHead } from "../head-parts.ts";
import { activation, type Building, byText, layerNorm, linear } from "../layers.ts";
import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import type { HiddenStates } from "../transformer.ts";
import { addDecoder, rangesOf } from "./decoder.ts";
import { addScreenedDecoder } from "./screened-decoder.ts";
import { addWideHead } from "./wide-head.ts";

/**
 * Adds the masked-LM head with SPLADE pooling. Neither the logits [B, S, V] nor their activations ever exist whole: the
 * decoder runs in chunks of the vocabulary, each reduced at once.
 *
 * @param screens whether a decoder that can be screened is
 */
export function addSpladeHead(
  building: Building,
  family: Family,
  shape: TransformerShape,
  pooling: SpladePoolingModule,
  hidden: HiddenStates,
  screens: boolean,
): SpladeHead {
  const { graph, tensors } = building;
  const parts = addHeadParts(building, family, shape, hidden);
  if (building.tuning === "wide") return addWideHead(building, parts, pooling, hidden);
  const { tokens, bias, decoderName, decoderShape } = parts;
  const [vocabularySize] = decoderShape;
  const quantised = tensors.quantised(decoderName, decoderShape) !== undefined;
  const screenable =
    pooling.strategy === "max" && !quantised ? tensors.get(decoderName, decoderShape) : undefined;
  if (screens && screenable !== undefined) {
    const biases =
      bias === undefined ? graph.vector("no_bias", new Float32Array(vocabularySize)) : graph.weight(bias);
    const { dims, maxima } = addScreenedDecoder(graph, screenable, tokens, hidden.batchShape, biases);
    return { vectors: addActivation(graph, maxima, pooling), dims, screenable };
  }
  const decoder = addDecoder(building, decoderName, tokens, decoderShape, hidden.batchShape);
  const ranges = rangesOf(vocabularySize, decoder.chunkRows);
  if (pooling.strategy === "sum") {
    const sums = ranges.map((range) =>
      addSum(graph, addBias(graph, decoder.scores(range), bias, range), pooling, hidden.mask),
    );
    return { vectors: graph.op("Concat", sums, { axis: 1 }), dims: undefined, screenable };
  }
  const joined = graph.op("Concat", ranges.map(decoder.maximum), { axis: 1 });
  // Relu, log1p and adding the bias of an entry keep order, so for the maximum they come after it: once per entry
  // instead of once per token.
  const logits = addBias(graph, decoder.scale(joined), bias);
  const { scores, dims } = quantised ? addChoice(graph, logits) : { scores: logits, dims: undefined };
  return { vectors: addActivation(graph, scores, pooling), dims, screenable };
}

/** The entries that some text activates, and their scores [C, B]: with integer products, activating every entry becomes a visible cost. */
function addChoice(graph: OnnxGraph, logits: Value): { scores: Value; dims: Value } {
  const highest = graph.op("ReduceMax", [logits, graph.integers(0)], { keepdims: 0 });
  // Not "above 0": NaN is found where the entries are read.
  const active = graph.op("Not", [graph.op("LessOrEqual", [highest, graph.scalar(0)])]);
  const dims = graph.op("Squeeze", [graph.op("NonZero", [active]), graph.integers(0)]);
  const chosen = graph.op("Gather", [logits, dims], { axis: 1 });
  return { scores: graph.op("Transpose", [chosen], { perm: [1, 0] }), dims };
}

function addHeadParts(
  building: Building,
  family: Family,
  shape: TransformerShape,
  hidden: HiddenStates,
): HeadParts {
  const { graph, tensors } = building;
  const { vocabularySize } = shape;
  const { head, words } = family.names;
  const tokens = addHeadTransform(building, family, shape, replacePadding(graph, hidden, shape.hiddenSize));
  // What is stored counts: a decoder of its own comes before the word embeddings, and its bias before the head's.
  const sharesWords = shape.tiedDecoder && !tensors.has(head.decoder);
  const biasName = head.bias.findLast((name) => tensors.has(name)) ?? head.bias[0];
  return {
    tokens,
    bias:
      shape.withoutDecoderBias === true || biasName === undefined
        ? undefined
        : tensors.get(biasName, [vocabularySize]),
    decoderName: sharesWords ? hidden.prefix + words : head.decoder,
    decoderShape: [vocabularySize, headWidth(shape)],
  };
}

function headWidth({ headWidth: width, embeddingSize, hiddenSize }: TransformerShape): number {
  return width ?? embeddingSize ?? hiddenSize;
}

/** Dense layer, activation and norm before the decoder, if there are any: [B x S, H] to [B x S, width of the words]. */
function addHeadTransform(building: Building, family: Family, shape: TransformerShape, tokens: Value): Value {
  const width = headWidth(shape);
  const { dense: denseName, norm: normName } = family.names.head;
  if (denseName === undefined || normName === undefined) return tokens;
  const dense = linear(building, denseName, tokens, shape.hiddenSize, width, {
    bias: shape.withoutHeadBias !== true,
  });
  const active = activation(building.graph, shape.headActivation ?? shape.activation, dense);
  return layerNorm(building, normName, active, width, shape.normEpsilon, shape.withoutNormBias !== true);
}

/** Sum over tokens of the activated scores, padding left out: [B, S, rows] to [B, rows]. */
function addSum(graph: OnnxGraph, scores: Value, pooling: SpladePoolingModule, mask: Value): Value {
  const active = addActivation(graph, scores, pooling);
  const kept = graph.op("Mul", [
    active,
    graph.op("Unsqueeze", [graph.op("Cast", [mask], { to: 1 }), graph.integers(2)]),
  ]);
  return graph.op("ReduceSum", [kept, graph.integers(1)], { keepdims: 0 });
}

/**
 * Puts the hidden state of each text's first token where its padding stands: [B x S, H] to [B x S, H]. The maximum
 * does not notice, since that token is in it anyway.
 */
function replacePadding(graph: OnnxGraph, hidden: HiddenStates, hiddenSize: number): Value {
  const states = byText(graph, hidden.tokens, hidden.batchShape, hiddenSize);
  const first = graph.op("Slice", [states, graph.integers(0), graph.integers(1), graph.integers(1)]);
  const mask = graph.op("Unsqueeze", [hidden.mask, graph.integers(2)]);
  return graph.op("Reshape", [graph.op("Where", [mask, states, first]), graph.integers(-1, hiddenSize)]);
}

/** Refuses pipelines whose second module is not a head. */
export function unsupportedPipeline(kinds: readonly string[]): SparseEncoderError {
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `The model runs ${kinds.join(", ")} one after the other, which is not supported. Supported: Transformer and SpladePooling; or Transformer, Pooling, then any of Normalize, Dense, LayerNorm and Dropout, and SparseAutoEncoder at the end.`,
  );
}
