import { received, SparseEncoderError } from "../errors.ts";
import {
  type ClassifierModule,
  type JsonObject,
  type OnnxExport,
  type OnnxValue,
  type Pipeline,
  setting,
} from "../model/index.ts";
import { addNormalize, addPooling } from "./head/pooled-head.ts";
import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";

/** What the head of an exported model gives. */
export interface ExportedVectors {
  /** [B, dimension], float32. */
  readonly vectors: Value;
  readonly dimension: number;
}

/** Outputs with a vector per token, and outputs with a vector per text, in the order in which they are taken. */
const tokenOutputs = ["last_hidden_state", "token_embeddings"];
const textOutput = "sentence_embedding";

/**
 * Dense vectors of an exported model: its token vectors pooled as the folder says, or the vectors of texts that it gives. Undefined
 * if the modules or the outputs do not fit.
 */
export function pooledVectors(
  graph: OnnxGraph,
  exported: OnnxExport,
  pipeline: Pipeline,
  config: JsonObject,
  configFile: string,
): ExportedVectors | undefined {
  const [, pooling, ...rest] = pipeline;
  const normalizes = pipeline.some(({ kind }) => kind === "Normalize");
  const isPlain = rest.every(({ kind }) => kind === "Normalize" || kind === "Dropout");
  const tokens = exported.outputs.find(({ name }) => tokenOutputs.includes(name));
  if (tokens !== undefined && pooling?.kind === "Pooling" && isPlain) {
    const width = widthOf(tokens, exported, config, configFile);
    const states = floatOutput(graph, exported, tokens, 3);
    const vectors = addPooling(graph, pooling, { states, ...tokenPlaces(graph) });
    const dimension = width * pooling.modes.length;
    return { vectors: normalizes ? addNormalize(graph, vectors) : vectors, dimension };
  }
  const texts = exported.outputs.find(({ name }) => name === textOutput);
  if (texts === undefined) return undefined;
  const vectors = floatOutput(graph, exported, texts, 2);
  const dense = pipeline.findLast((module) => module.kind === "Dense");
  const dimension = lastSize(texts) ?? dense?.outFeatures ?? widthOf(texts, exported, config, configFile);
  // What was scaled before stays as it is.
  return { vectors: normalizes ? addNormalize(graph, vectors) : vectors, dimension };
}

/**
 * The numbers per label of an exported reranker; undefined if the file gives none.
 * @throws SparseEncoderError `MODEL_INVALID` for another number of labels than the settings name
 */
export function pairScores(
  graph: OnnxGraph,
  exported: OnnxExport,
  { labels }: ClassifierModule,
  configFile: string,
): ExportedVectors | undefined {
  const output = exported.outputs.find(({ name }) => name === "logits");
  if (output === undefined) return undefined;
  const vectors = floatOutput(graph, exported, output, 2);
  const width = lastSize(output) ?? labels;
  if (width === labels) return { vectors, dimension: labels };
  throw new SparseEncoderError(
    "MODEL_INVALID",
    `${exported.file} gives ${width} numbers per pair, but ${configFile} has ${labels} labels.`,
  );
}

/** Where real tokens stand: as graphs that are built from weights have it. */
function tokenPlaces(graph: OnnxGraph): { mask: Value; places: Value; lengths: Value } {
  const attention = "attention_mask" as Value;
  const wide = graph.op("Cast", [attention], { to: 7 });
  const size = graph.op("Gather", [graph.op("Shape", [attention]), graph.integer(1)]);
  return {
    mask: graph.op("Cast", [attention], { to: 9 }),
    places: graph.op("Range", [graph.integer(0), size, graph.integer(1)]),
    lengths: graph.unsqueeze(graph.reduce("ReduceSum", wide, 1), 1),
  };
}

/** Element types that can be brought to float32: float32, float16, double and bfloat16. */
const floatTypes = [1, 10, 11, 16];

/**
 * An output as float32.
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` for another element type or number of axes
 */
export function floatOutput(graph: OnnxGraph, { file }: OnnxExport, output: OnnxValue, axes: number): Value {
  const { name, type, shape } = output;
  if (!floatTypes.includes(type) || (shape !== undefined && shape.length !== axes)) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file} gives ${received(name)} with the element type ${type} and ${shape?.length ?? "unknown"} axes; ${axes} axes of float32, float16, double or bfloat16 are supported.`,
    );
  }
  return type === 1 ? (name as Value) : graph.op("Cast", [name as Value], { to: 1 });
}

/** The size of the last axis, if the file fixes it. */
export function lastSize({ shape }: OnnxValue): number | undefined {
  return shape?.at(-1);
}

/** Numbers per vector: as the output says, and the settings must not say otherwise. */
function widthOf(output: OnnxValue, { file }: OnnxExport, config: JsonObject, configFile: string): number {
  const told = setting(config, "hidden_size", setting(config, "dim", 0, configFile), configFile);
  const width = lastSize(output);
  if ((width ?? told) === 0 || (told !== 0 && (width ?? told) !== told)) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} gives vectors of ${width ?? "an unknown number of"} numbers, but ${configFile} has a hidden_size of ${told}.`,
    );
  }
  return width ?? told;
}
