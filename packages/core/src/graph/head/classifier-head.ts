import { received, SparseEncoderError } from "../../errors.ts";
import {
  type ClassifierModule,
  type JsonObject,
  type PoolingMode,
  setting,
  type TensorTable,
} from "../../model/index.ts";
import { architectureOf, classifierName } from "../checkpoint-family.ts";
import type { Family, TransformerShape } from "../family.ts";
import { activation, type Building, byText, floatLinear, layerNorm } from "../layers.ts";
import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import type { HiddenStates } from "../transformer.ts";
import { exportHint, unsupportedSetting } from "../unsupported.ts";
import { addPooling, type TokenStates, tokenStates } from "./pooled-head.ts";

/** The head that a family puts behind its encoder to classify a text, or two texts. */
interface Classifier {
  /** Linear layer on the pooled token states; absent if the states go straight to the labels. */
  readonly dense?: string;
  /** True if the name of `dense` is below the encoder's prefix. */
  readonly inEncoder?: true;
  /** As `config.json` names activations; absent if the head has the activation of the masked-LM head. */
  readonly activation?: string;
  /** The key of `config.json` that comes before it. */
  readonly activationKey?: string;
  /** Norm behind the activation; absent for none. */
  readonly norm?: string;
  /** Linear layer that gives one number per label. */
  readonly output: string;
  readonly withoutOutputBias?: true;
  /**
   * What is pooled: the states of the first token (default) or of the last one that is not padding, or what `classifier_pooling` of
   * `config.json` names among these. The first one is the default of the file.
   */
  readonly pooling?: "last" | readonly ClassifierPooling[];
}

/** `late`: the states are pooled behind the linear layer and its activation. */
type ClassifierPooling = "cls" | "bos" | "mean" | "late";

const roberta = { dense: "classifier.dense", activation: "tanh", output: "classifier.out_proj" } as const;

/** What decoder-only models have behind their last token. */
const score = { output: "score", withoutOutputBias: true, pooling: "last" } as const;

const pooler = { dense: "pooler.dense", inEncoder: true, activation: "tanh", output: "classifier" } as const;

/** The heads by `model_type`. */
const classifiers: Readonly<Record<string, Classifier>> = {
  bert: pooler,
  gte: pooler,
  new: pooler,
  nomic_bert: pooler,
  roberta: roberta,
  "xlm-roberta": roberta,
  camembert: roberta,
  mpnet: roberta,
  electra: { ...roberta, activation: "gelu" },
  distilbert: {
    dense: "pre_classifier",
    activation: "relu",
    output: "classifier",
  },
  albert: {
    dense: "pooler",
    inEncoder: true,
    activation: "tanh",
    output: "classifier",
  },
  "deberta-v2": {
    dense: "pooler.dense",
    activation: "gelu",
    activationKey: "pooler_hidden_act",
    output: "classifier",
  },
  modernbert: {
    dense: "head.dense",
    norm: "head.norm",
    output: "classifier",
    pooling: ["cls", "mean"],
  },
  eurobert: {
    dense: "dense",
    activation: "gelu",
    output: "classifier",
    pooling: ["late", "bos", "mean"],
  },
  rembert: pooler,
  jina_embeddings_v3: roberta,
  gemma3_text: score,
  llama: score,
  mistral: score,
  qwen2: score,
  qwen3: score,
};

/** A checkpoint's `config.json` and its path for messages. */
interface Config {
  readonly config: JsonObject;
  readonly configFile: string;
}

/**
 * Adds the head of a sequence classification: one number per label, without an activation. Everything is float32, also beside
 * int8 weights: it is little work, and the last layer decides the order.
 *
 * @returns [B, labels]
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`, `WEIGHTS_INVALID`
 */
export function addClassifier(
  building: Building,
  family: Family,
  { config, configFile }: Config,
  shape: TransformerShape,
  { labels }: ClassifierModule,
  hidden: HiddenStates,
): Value {
  const { hiddenSize } = shape;
  const classifier = classifiers[String(config.model_type)];
  if (classifier === undefined) throw unsupportedClassifier(config, configFile);
  checkClassifier(family, classifier, config, building.tensors);
  const { graph } = building;
  const outputs = (states: Value) =>
    floatLinear(
      building,
      classifier.output,
      states,
      hiddenSize,
      labels,
      classifier.withoutOutputBias !== true,
    );
  const layers = (states: Value) =>
    addDense(building, classifier, { config, configFile }, shape, hidden, states);
  const pool = (mode: PoolingMode, states: TokenStates) =>
    addPooling(graph, { kind: "Pooling", modes: [mode], includePrompt: true }, states);
  const states = tokenStates(graph, hidden, hiddenSize);
  if (classifier.pooling === "last") return outputs(addLastToken(graph, config, configFile, hidden, states));
  const pooling = poolingOf(classifier, config, configFile);
  if (pooling !== "late") return outputs(layers(pool(pooling === "mean" ? "mean" : "cls", states)));
  const rows = layers(graph.op("Reshape", [states.states, graph.integers(-1, hiddenSize)]));
  return outputs(pool("mean", { ...states, states: byText(graph, rows, hidden.batchShape, hiddenSize) }));
}

/** Whether the head of a sequence classification reads the first token of each text only. */
export function classifiesFirst({ config, configFile }: Config): boolean {
  const classifier = classifiers[String(config.model_type)];
  if (classifier === undefined || classifier.pooling === "last") return false;
  return poolingOf(classifier, config, configFile) === "cls";
}

/** The linear layer of a head with its activation and norm: [rows, H] to the same. */
function addDense(
  building: Building,
  classifier: Classifier,
  { config, configFile }: Config,
  shape: TransformerShape,
  hidden: HiddenStates,
  states: Value,
): Value {
  const { hiddenSize } = shape;
  if (classifier.dense === undefined) return states;
  const name = (classifier.inEncoder === true ? hidden.prefix : "") + classifier.dense;
  const hasBias = shape.withoutHeadBias !== true;
  const dense = floatLinear(building, name, states, hiddenSize, hiddenSize, hasBias);
  const active = activation(building.graph, activationOf(classifier, shape, config, configFile), dense);
  if (classifier.norm === undefined) return active;
  const normBias = shape.withoutNormBias !== true;
  return layerNorm(building, classifier.norm, active, hiddenSize, shape.normEpsilon, normBias);
}

/** The states of the last token of each text that is not the padding token, or of the first one: [B, H]. */
function addLastToken(
  graph: OnnxGraph,
  config: JsonObject,
  file: string,
  { ids, mask, places }: HiddenStates,
  { states }: TokenStates,
): Value {
  const paddingId = config.pad_token_id === null ? -1 : setting(config, "pad_token_id", -1, file);
  const isPadding = graph.op("Equal", [graph.op("Cast", [ids], { to: 7 }), graph.integer(paddingId)]);
  const counts = graph.op("And", [mask, graph.op("Not", [isPadding])]);
  const counted = graph.op("Where", [counts, places, graph.integer(0)]);
  const last = graph.op("ReduceMax", [counted, graph.integers(1)], { keepdims: 1 });
  const chosen = graph.op("Unsqueeze", [graph.op("Equal", [places, last]), graph.integers(2)]);
  return graph.reduce("ReduceSum", graph.op("Where", [chosen, states, graph.scalar(0)]), 1);
}

function activationOf(
  { activation: named, activationKey: key }: Classifier,
  { headActivation, activation: ofLayers }: TransformerShape,
  config: JsonObject,
  file: string,
): string {
  const fallback = named ?? headActivation ?? ofLayers;
  return key === undefined ? fallback : setting(config, key, fallback, file);
}

function unsupportedClassifier(config: JsonObject, file: string): SparseEncoderError {
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} names ${architectureOf(config) ?? received(config.model_type)}, whose rerankers are not supported. Supported: the model types ${Object.keys(classifiers).join(", ")}. ${exportHint}`,
  );
}

function poolingOf({ pooling }: Classifier, config: JsonObject, file: string): ClassifierPooling {
  const known = Array.isArray(pooling) ? pooling : [];
  if (known.length === 0) return "cls";
  const asked: string = setting(config, "classifier_pooling", known[0], file);
  const found = known.find((name) => name === asked);
  if (found !== undefined) return found;
  throw unsupportedSetting(file, "classifier_pooling", asked, known);
}

/** @throws SparseEncoderError `MODEL_UNSUPPORTED` for a checkpoint without the head */
function checkClassifier(
  family: Family,
  { output }: Classifier,
  config: JsonObject,
  tensors: TensorTable,
): void {
  const tensor = `${output}.weight`;
  if (tensors.has(tensor)) return;
  const generator =
    family.generatesText === true ? " Answers that a text generator writes are not read as scores." : "";
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${tensors.origin} has no classification head (tensor "${tensor}"), which a reranker needs; config.json names ${architectureOf(config) ?? "no architecture"}.${generator} Load a checkpoint with such a head (${classifierName(family)}), or this one with SparseEncoder.load() or DenseEncoder.load().`,
  );
}
