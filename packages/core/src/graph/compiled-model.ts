import type { ModelDescription, TensorTable } from "../model/index.ts";
import { familyOf } from "./families.ts";
import { OnnxGraph } from "./onnx-graph.ts";
import { addSpladeHead } from "./splade-head.ts";
import { addTransformer } from "./transformer.ts";

/** A model ready to be opened as an ONNX session. */
export interface CompiledModel {
  /** The ONNX model, without its weights. */
  readonly bytes: Uint8Array;
  /** The folder of the weight files that the model refers to. */
  readonly weightsFolder: string;
  /** Width of an embedding. */
  readonly dimension: number;
  /** Number of token ids that the model knows. */
  readonly vocabularySize: number;
  /** Longest input in tokens, special tokens included. */
  readonly maxTokens: number;
}

/**
 * Builds the ONNX graph of a model from its description and the places of its weights. Reads no weights.
 *
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` or `WEIGHTS_INVALID`
 */
export function compileModel(description: ModelDescription, tensors: TensorTable): CompiledModel {
  const family = familyOf(description.config, description.configFile);
  const shape = family.shape(description.config, description.configFile);
  const graph = new OnnxGraph();
  const hidden = addTransformer(graph, family, shape, tensors);
  const embeddings = addSpladeHead(graph, family, shape, description.pooling, tensors, hidden);
  graph.output("embeddings", embeddings, "float32", ["batch", shape.vocabularySize]);
  return {
    bytes: graph.finish("sparse-encoder"),
    weightsFolder: graph.weightsFolder ?? description.folder,
    dimension: shape.vocabularySize,
    vocabularySize: shape.vocabularySize,
    maxTokens: shape.positions,
  };
}
