import path from "node:path";
import { SparseEncoderError } from "../errors.ts";
import { type OnnxExport, type Pipeline, setting } from "../model/index.ts";
import type { CompiledModel } from "./compiled-model.ts";
import { OnnxGraph, type Value } from "./onnx-graph.ts";
import { addActivation, unsupportedPipeline } from "./splade-head.ts";

/**
 * Puts the head of a pipeline behind a transformer that exists as an ONNX file alone. The head is a graph of its own, in
 * the file's operator set, whose bytes follow those of the file: two ONNX messages one behind the other are one model with
 * the operators of both. The scores of all tokens exist whole here, unlike in a graph built from weights.
 *
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` or `MODEL_INVALID`
 */
export function compileExportedModel(pipeline: Pipeline, exported: OnnxExport): CompiledModel {
  const [transformer, head] = pipeline;
  if (transformer?.kind !== "Transformer" || head?.kind !== "SpladePooling" || pipeline.length > 2) {
    throw unsupportedPipeline(pipeline.map((module) => module.kind));
  }
  const { config, configFile } = transformer;
  for (const name of exported.inputs) {
    if (inputNames.includes(name)) continue;
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${exported.file} takes the input "${name}", which is not supported. Supported: ${inputNames.join(", ")}.`,
    );
  }
  const logits = exported.outputs.find((name) => name === "logits");
  if (logits === undefined) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${exported.file} has the outputs ${exported.outputs.join(", ")}, but a SPLADE head needs "logits".`,
    );
  }
  const graph = new OnnxGraph("head_", exported.operatorSet);
  const mask = graph.op("Cast", ["attention_mask" as Value], { to: 1 });
  // [B, S, V] x [B, S, 1]: scores of padding become 0, as in the reference.
  const masked = graph.op("Mul", [logits as Value, graph.unsqueeze(mask, 2)]);
  const pooled =
    head.strategy === "max"
      ? addActivation(graph, graph.reduce("ReduceMax", masked, 1), head)
      : graph.reduce("ReduceSum", addActivation(graph, masked, head), 1);
  const dimension = setting(config, "vocab_size", 30522, configFile);
  graph.output("embeddings", pooled, "float32", ["batch", dimension]);
  const bytes = graph.finishAddition();
  return {
    bytes,
    shortBytes: undefined,
    givesDims: false,
    screened: undefined,
    exportFile: exported.file,
    inputs: exported.inputs,
    weightsFolder: path.dirname(exported.file),
    prepack: true,
    sparse: true,
    dimension,
    vocabularySize: dimension,
    maxTokens: setting(config, "max_position_embeddings", Number.MAX_SAFE_INTEGER, configFile),
    activeDims: undefined,
    poolsPrompt: true,
    family: setting(config, "model_type", "unknown", configFile),
  };
}

const inputNames = ["input_ids", "attention_mask", "token_type_ids"];
