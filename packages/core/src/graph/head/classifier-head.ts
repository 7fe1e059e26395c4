import { received, SparseEncoderError } from "../../errors.ts";
import { type ClassifierModule, type JsonObject, setting, type TensorTable } from "../../model/index.ts";
import { architectureOf, classifierName } from "../checkpoint-family.ts";
import type { Family, TransformerShape } from "../family.ts";
import { activation, type Building, floatLinear, layerNorm } from "../layers.ts";
import type { Value } from "../onnx/onnx-graph.ts";
import type { HiddenStates } from "../transformer.ts";
import { addPooling, tokenStates } from "./pooled-head.ts";

/** The head that a family puts behind its encoder to classify a text, or two texts. */
interface Classifier {
  /** Linear layer on the pooled token states; true for a name below the encoder's prefix. */
  readonly dense: string;
  readonly inEncoder?: true;
  /** As `config.json` names activations; absent if the head has the activation of the masked-LM head. */
  readonly activation?: string;
  /** The key of `config.json` that comes before it. */
  readonly activationKey?: string;
  /** Norm behind the activation; absent for none. */
  readonly norm?: string;
  /** Linear layer that gives one number per label. */
  readonly output: string;
  /** True if `classifier_pooling` of `config.json` says what is pooled, and not the first token. */
  readonly choosesPooling?: true;
}

const roberta = { dense: "classifier.dense", activation: "tanh", output: "classifier.out_proj" } as const;

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
    choosesPooling: true,
  },
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
  const pooling = classifier.choosesPooling === true ? poolingOf(config, configFile) : "cls";
  const pooled = addPooling(
    building.graph,
    { kind: "Pooling", modes: [pooling], includePrompt: true },
    tokenStates(building.graph, hidden, hiddenSize),
  );
  const name = (classifier.inEncoder === true ? hidden.prefix : "") + classifier.dense;
  const hasBias = shape.withoutHeadBias !== true;
  const dense = floatLinear(building, name, pooled, hiddenSize, hiddenSize, hasBias);
  const active = activation(building.graph, activationOf(classifier, shape, config, configFile), dense);
  const normed =
    classifier.norm === undefined
      ? active
      : layerNorm(
          building,
          classifier.norm,
          active,
          hiddenSize,
          shape.normEpsilon,
          shape.withoutNormBias !== true,
        );
  return floatLinear(building, classifier.output, normed, hiddenSize, labels, true);
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
    `${file} names ${architectureOf(config) ?? received(config.model_type)}, whose rerankers are not supported. Supported: the model types ${Object.keys(classifiers).join(", ")}.`,
  );
}

function poolingOf(config: JsonObject, file: string): "cls" | "mean" {
  const pooling: string = setting(config, "classifier_pooling", "cls", file);
  if (pooling === "cls" || pooling === "mean") return pooling;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file}: "classifier_pooling": ${received(pooling)} is not supported. Supported: cls, mean.`,
  );
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
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${tensors.origin} has no classification head (tensor "${tensor}"), which a reranker needs; config.json names ${architectureOf(config) ?? "no architecture"}. Load a checkpoint with such a head (${classifierName(family)}), or this one with SparseEncoder.load() or DenseEncoder.load().`,
  );
}
