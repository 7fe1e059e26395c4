import type { ModuleDescription, Pipeline, StoredTensor, TensorTable } from "../model/index.ts";
import type { PooledModel, ScreenedModel, WideModel } from "../runtime/index.ts";
import { checkHead, familyOf, shapeOf } from "./checkpoint-family.ts";
import type { TransformerShape } from "./family.ts";
import { addClassifier, classifiesFirst } from "./head/classifier-head.ts";
import { addEntries, type Entries } from "./head/entries.ts";
import { addTokenWeights } from "./head/lexical-head.ts";
import {
  addDense,
  addLayerNorm,
  addNormalize,
  addPooling,
  addSparseAutoEncoder,
  tokenStates,
} from "./head/pooled-head.ts";
import { screenTables } from "./head/screened-decoder.ts";
import { addSpladeHead, unsupportedPipeline } from "./head/splade-head.ts";
import type { Building, Tuning } from "./layers.ts";
import { type FloatType, OnnxGraph, type Value } from "./onnx/onnx-graph.ts";
import { addTransformer, type HiddenStates } from "./transformer.ts";

/** A model ready to be opened by workers, and what its settings say of it. */
export interface CompiledModel extends PooledModel {
  /** Number of token ids that the model knows. */
  readonly vocabularySize: number;
  /** Longest input in tokens, special tokens included. */
  readonly maxTokens: number;
  /** Most texts per run: 1 for exports whose vectors depend on what else is in a batch. Default: any number. */
  readonly mostTexts?: number | undefined;
  /** Tokens of every text, padding included, if an export takes no other number. */
  readonly fixedLength?: number | undefined;
  /** Active dims that the model itself limits an embedding to; undefined for none. */
  readonly activeDims: number | undefined;
  /** False if pooling leaves out the tokens of a prompt. */
  readonly poolsPrompt: boolean;
  /** `model_type` of the transformer. */
  readonly family: string;
}

/** Longest input, in tokens, of models whose texts are never long: they have no graph for long texts. */
const shortInput = 512;

/** Output of the modules added so far. */
interface Stage {
  readonly vectors: Value;
  readonly width: number;
  readonly activeDims: number | undefined;
  readonly dims?: Value | undefined;
  readonly entries?: Entries | undefined;
  readonly screenable?: StoredTensor | undefined;
}

/**
 * Builds the ONNX graph of a pipeline from its description and the places of its weights. Reads no weights.
 *
 * @param weights tensors of each module that has some, by the module's folder
 * @param half the same in half precision, for wide devices; default: they compute with `weights` in float32
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`, `MODEL_INVALID` or `WEIGHTS_INVALID`
 */
export function compileModel(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  half?: ReadonlyMap<string, TensorTable>,
): CompiledModel {
  const { screenable, ...model } = buildGraph(pipeline, weights, "throughput");
  const screen = (tuning: Tuning): ScreenedModel | undefined =>
    screenable && {
      bytes: buildGraph(pipeline, weights, tuning, { screens: true }).bytes,
      tables: screenTables(screenable),
      entries: model.dimension,
    };
  return {
    ...model,
    // Integer products run on the CPU only.
    wide: model.prepack ? undefined : buildWideModel(pipeline, weights, half),
    // Only a decoder has a tuning.
    shortBytes:
      pipeline[1]?.kind === "SpladePooling" ? buildGraph(pipeline, weights, "latency").bytes : undefined,
    screened: screen("throughput"),
    long:
      model.maxTokens > shortInput
        ? { bytes: buildGraph(pipeline, weights, "long").bytes, screened: screen("long") }
        : undefined,
  };
}

/** @throws SparseEncoderError as {@link compileModel} */
function buildWideModel(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  half: ReadonlyMap<string, TensorTable> | undefined,
): WideModel {
  const { bytes, weightsFolder } =
    half === undefined
      ? buildGraph(pipeline, weights, "wide")
      : buildGraph(pipeline, half, "wide", { computeIn: "float16" });
  return { bytes, weightsFolder, half: half !== undefined };
}

/** What may differ in a graph beside its tuning. */
interface GraphOptions {
  /** Whether a decoder that can be screened is. Default false. */
  readonly screens?: boolean;
  /** Type of the transformer and the decoder. Default float32. */
  readonly computeIn?: FloatType;
}

/** One graph, and what else a pipeline could have. */
type BuiltGraph = Omit<CompiledModel, "shortBytes" | "screened" | "long"> & {
  readonly screenable: StoredTensor | undefined;
};

/**
 * Builds one graph of a pipeline.
 *
 * @throws SparseEncoderError as {@link compileModel}
 */
export function buildGraph(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  tuning: Tuning,
  { screens = false, computeIn = "float32" }: GraphOptions = {},
): BuiltGraph {
  const [transformer, head] = pipeline;
  const unsupported = () => unsupportedPipeline(pipeline.map((module) => module.kind));
  if (transformer?.kind !== "Transformer" || head === undefined) throw unsupported();
  const family = familyOf(transformer.config, transformer.configFile, headOf(head));
  const shape = shapeOf(family, transformer.config, transformer.configFile);
  const graph = new OnnxGraph();
  graph.computeIn(computeIn);
  const tensors = weights.get(transformer.folder)!;
  const building = { graph, tensors, tuning, readsPairs: head.kind === "SequenceClassification" };
  if (head.kind === "SpladePooling") checkHead(family, shape, transformer, head, tensors);
  const readsFirst = head.kind === "SequenceClassification" ? classifiesFirst(transformer) : poolsFirst(head);
  const hidden = addTransformer(building, family, shape, readsFirst);
  const lexical =
    head.kind === "LexicalWeights"
      ? addTokenWeights({ ...building, tensors: weights.get(head.folder)! }, hidden, shape.hiddenSize)
      : undefined;
  if (lexical !== undefined) graph.output("weights", lexical, "float32", ["batch", "length"]);
  let stage: Stage;
  let sparse = true;
  if (lexical !== undefined && pipeline.length === 2) {
    stage = { vectors: lexical, width: shape.vocabularySize, activeDims: undefined };
  } else if (head.kind === "SpladePooling") {
    if (pipeline.length > 2) throw unsupported();
    const splade = addSpladeHead(building, family, shape, head, hidden, screens);
    stage = { ...splade, width: shape.vocabularySize, activeDims: undefined };
  } else if (head.kind === "SequenceClassification") {
    if (pipeline.length > 2) throw unsupported();
    const vectors = addClassifier(building, family, transformer, shape, head, hidden);
    stage = { vectors, width: head.labels, activeDims: undefined };
    sparse = false;
  } else {
    const modules = pipeline.slice(lexical === undefined ? 1 : 2);
    stage = addPooledModules(building, modules, weights, hidden, shape) ?? raise(unsupported());
    sparse = pipeline.at(-1)?.kind === "SparseAutoEncoder";
  }
  const entries =
    tuning === "wide" && sparse && lexical === undefined ? addEntries(graph, stage.vectors) : undefined;
  if (stage.vectors !== lexical) addOutputs(graph, { ...stage, entries });
  return {
    bytes: graph.finish(),
    exportFile: undefined,
    inputs: graph.inputNames,
    weightsFolder: graph.weightsFolder ?? transformer.folder,
    prepack: graph.hasIntegerWeights,
    sparse,
    givesDims: stage.dims !== undefined,
    tokenWeights: lexical === undefined ? undefined : pipeline.length === 2 ? "only" : "beside",
    dimension: stage.width,
    vocabularySize: shape.vocabularySize,
    maxTokens: longestInput(shape),
    activeDims: stage.activeDims,
    poolsPrompt: pipeline.every((module) => module.kind !== "Pooling" || module.includePrompt),
    family: String(transformer.config.model_type),
    screenable: stage.screenable,
  };
}

/** The head whose tensors a checkpoint must have for a module. */
function headOf({ kind }: ModuleDescription): "masked-lm" | "classifier" | "none" {
  if (kind === "SpladePooling") return "masked-lm";
  return kind === "SequenceClassification" ? "classifier" : "none";
}

/** Whether a pooling reads the first token of each text only. */
function poolsFirst(head: ModuleDescription): boolean {
  return head.kind === "Pooling" && head.includePrompt && head.modes.length === 1 && head.modes[0] === "cls";
}

function addOutputs(graph: OnnxGraph, { vectors, width, dims, entries }: Stage): void {
  if (entries !== undefined) {
    graph.output("embeddings", entries.values, "float32", ["entries"]);
    graph.output("places", entries.places, "int32", [2, "entries"]);
  } else if (dims !== undefined) {
    graph.output("embeddings", vectors, "float32", ["active", "batch"]);
    graph.output("dims", dims, "int64", ["active"]);
  } else graph.output("embeddings", vectors, "float32", ["batch", width]);
}

/** Pooling and what follows it; undefined if the modules do not fit together. */
function addPooledModules(
  transformer: Building,
  modules: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  hidden: HiddenStates,
  shape: TransformerShape,
): Stage | undefined {
  const [pooling, ...rest] = modules;
  if (pooling?.kind !== "Pooling") return undefined;
  const { graph } = transformer;
  let stage: Stage = {
    vectors: addPooling(graph, pooling, tokenStates(graph, hidden, shape.hiddenSize)),
    width: shape.hiddenSize * pooling.modes.length,
    activeDims: undefined,
  };
  for (const [position, module] of rest.entries()) {
    if (module.kind === "Normalize") {
      stage = { ...stage, vectors: addNormalize(graph, stage.vectors) };
    } else if (module.kind === "LayerNorm") {
      const building = { ...transformer, tensors: weights.get(module.folder)! };
      stage = { ...stage, vectors: addLayerNorm(building, module, stage.vectors) };
    } else if (module.kind === "Dropout") {
      // Without effect when a model is used.
    } else if (module.kind === "Dense") {
      const building = { ...transformer, tensors: weights.get(module.folder)! };
      stage = { ...stage, vectors: addDense(building, module, stage.vectors), width: module.outFeatures };
    } else if (module.kind === "SparseAutoEncoder" && position === rest.length - 1) {
      const building = { ...transformer, tensors: weights.get(module.folder)! };
      const vectors = addSparseAutoEncoder(building, module, stage.vectors);
      stage = { vectors, width: module.latents, activeDims: module.activeDims };
    } else return undefined;
  }
  return stage;
}

/** Places that are not taken by the numbering's start; a table of rows, or a limit without one. */
function longestInput(shape: TransformerShape): number {
  const { positions, longestInput: limit } = shape;
  if (positions === undefined) return limit ?? Number.MAX_SAFE_INTEGER;
  return positions.paddingId === undefined ? positions.rows : positions.rows - positions.paddingId - 1;
}

function raise(error: Error): never {
  throw error;
}
