import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";
import { type JsonObject, type OnnxExport, type OnnxValue, type Pipeline, setting } from "../model/index.ts";
import type { CompiledModel } from "./compiled-model.ts";
import {
  type ExportedVectors,
  floatOutput,
  lastSize,
  pairScores,
  pooledVectors,
} from "./exported-vectors.ts";
import { addActivation } from "./head-parts.ts";
import { OnnxGraph, type Value } from "./onnx/onnx-graph.ts";

/**
 * Puts the head of a pipeline behind a transformer that exists as an ONNX file only. The head is a graph of its own, in
 * the file's operator set, whose bytes follow the bytes of the file: two ONNX messages one behind the other are one model with
 * the operators of both. The scores of all tokens exist whole here, unlike in a graph built from weights.
 *
 * What stands in the file decides: element types and sizes of inputs and outputs, and operators that make the vector of a text
 * depend on its batch.
 *
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` or `MODEL_INVALID`
 */
export function compileExportedModel(pipeline: Pipeline, exported: OnnxExport): CompiledModel {
  const [transformer, head] = pipeline;
  if (transformer?.kind !== "Transformer" || head === undefined) throw unsupportedExport(exported, pipeline);
  checkOperators(exported);
  const { inputTypes, mostTexts: fixedTexts, fixedLength } = checkInputs(exported);
  const dependsOnBatch = batchOperators.some((operator) => exported.operators.has(operator));
  const { config, configFile } = transformer;
  const graph = new OnnxGraph("head_", exported.operatorSet);
  const isSparse = head.kind === "SpladePooling" && pipeline.length === 2;
  const found = isSparse
    ? spladeVectors(graph, exported, head, config, configFile)
    : head.kind === "SequenceClassification"
      ? pairScores(graph, exported, head, configFile)
      : pooledVectors(graph, exported, pipeline, config, configFile);
  if (found === undefined) throw unsupportedExport(exported, pipeline);
  const { vectors, dimension } = found;
  graph.output("embeddings", vectors, "float32", ["batch", dimension]);
  const positions = setting(config, "max_position_embeddings", Number.MAX_SAFE_INTEGER, configFile);
  return {
    bytes: graph.finishAddition(),
    shortBytes: undefined,
    givesDims: false,
    exportFile: exported.file,
    inputs: [...exported.inputs.map(({ name }) => name), ...graph.inputNames],
    inputTypes,
    mostTexts: dependsOnBatch ? 1 : fixedTexts,
    fixedLength,
    weightsFolder: path.dirname(exported.file),
    prepack: true,
    sparse: isSparse,
    dimension,
    vocabularySize: setting(config, "vocab_size", 30522, configFile),
    maxTokens: Math.min(positions, fixedLength ?? positions),
    activeDims: undefined,
    poolsPrompt: head.kind !== "Pooling" || head.includePrompt,
    family: setting(config, "model_type", "unknown", configFile),
  };
}

/** The inputs that are fed, each of type int32 or int64. */
const inputNames = ["input_ids", "attention_mask", "token_type_ids"];
const inputTypeNames: Readonly<Record<number, "int32" | "int64">> = { 6: "int32", 7: "int64" };

/** Types of inputs, and sizes that the file fixes: texts per run, and tokens per text. */
function checkInputs({ inputs, file }: OnnxExport): {
  readonly inputTypes: Record<string, "int32" | "int64">;
  readonly mostTexts: number | undefined;
  readonly fixedLength: number | undefined;
} {
  const inputTypes: Record<string, "int32" | "int64"> = {};
  let [mostTexts, fixedLength]: (number | undefined)[] = [];
  const refuse = (problem: string) => {
    throw new SparseEncoderError("MODEL_UNSUPPORTED", `${file} ${problem}.`);
  };
  for (const { name, type, shape } of inputs) {
    if (!inputNames.includes(name)) {
      refuse(
        `takes the input ${received(name)}, which is not supported. Supported: ${inputNames.join(", ")}`,
      );
    }
    const known = inputTypeNames[type];
    if (known === undefined)
      return refuse(`takes ${name} with the element type ${type}; int32 and int64 are supported`);
    inputTypes[name] = known;
    if (shape !== undefined && shape.length !== 2)
      refuse(`takes ${name} with ${shape.length} axes instead of two`);
    mostTexts ??= shape?.[0];
    fixedLength ??= shape?.[1];
  }
  if (!("input_ids" in inputTypes)) refuse("takes no input_ids");
  if ((mostTexts ?? 1) !== 1)
    refuse(`takes ${mostTexts} texts at once, no more and no fewer; a free size, or 1, is supported`);
  return { inputTypes, mostTexts, fixedLength };
}

/** Operators that quantise what they get by its own range: then a text gets another vector in another batch. */
const batchOperators = ["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"];

/**
 * Operators that may never end, and that no run can be stopped in: they run a part of the graph as often as a number in the file
 * says. `Scan` and `SequenceMap` seem bounded by their input, but one without elements may have 2^60 rows.
 */
const endlessOperators = [
  "Loop",
  "Scan",
  "SequenceMap",
  "BeamSearch",
  "GreedySearch",
  "Sampling",
  "WhisperBeamSearch",
];

function checkOperators({ operators, file }: OnnxExport): void {
  const endless = endlessOperators.find((operator) => operators.has(operator));
  if (endless === undefined) return;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} has the operator ${endless}, which is not supported: a run might never end.`,
  );
}

/** SPLADE pooling of the scores `logits` [B, S, V]. */
function spladeVectors(
  graph: OnnxGraph,
  exported: OnnxExport,
  head: Extract<Pipeline[number], { kind: "SpladePooling" }>,
  config: JsonObject,
  configFile: string,
): ExportedVectors {
  const output = exported.outputs.find(({ name }) => name === "logits");
  if (output === undefined) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${exported.file} has the outputs ${namesOf(exported.outputs)}, but a SPLADE head needs "logits".`,
    );
  }
  const logits = floatOutput(graph, exported, output, 3);
  const dimension: number = setting(config, "vocab_size", 30522, configFile);
  const width = lastSize(output);
  if (width !== undefined && width !== dimension) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${exported.file} gives scores for ${width} entries, but ${configFile} has a vocab_size of ${dimension}.`,
    );
  }
  const mask = graph.op("Cast", ["attention_mask" as Value], { to: 1 });
  // [B, S, V] x [B, S, 1]: scores of padding become 0, as in the reference.
  const masked = graph.op("Mul", [logits, graph.unsqueeze(mask, 2)]);
  const vectors =
    head.strategy === "max"
      ? addActivation(graph, graph.reduce("ReduceMax", masked, 1), head)
      : graph.reduce("ReduceSum", addActivation(graph, masked, head), 1);
  return { vectors, dimension };
}

function namesOf(values: readonly OnnxValue[]): string {
  return received(values.map(({ name }) => name));
}

function unsupportedExport({ file, outputs }: OnnxExport, pipeline: Pipeline): SparseEncoderError {
  const modules = pipeline.map(({ kind }) => kind).join(", ");
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} (outputs ${namesOf(outputs)}) cannot be used for the modules ${modules}. An ONNX file runs as a sparse model with Transformer and SpladePooling, and as a dense one with Transformer, Pooling and Normalize over "last_hidden_state" or "token_embeddings", or with the output "sentence_embedding". A reranker needs the output "logits". Other modules need the weights of the transformer.`,
  );
}
