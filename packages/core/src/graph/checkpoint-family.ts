import { received, SparseEncoderError } from "../errors.ts";
import {
  type JsonObject,
  type SpladePoolingModule,
  setting,
  type TensorTable,
  type TransformerModule,
} from "../model/index.ts";
import { families } from "./families/families.ts";
import type { Family, TransformerShape } from "./family.ts";
import { exportHint } from "./unsupported.ts";

/**
 * The shape of a transformer, whose sizes can be built.
 * @throws SparseEncoderError `MODEL_INVALID` for a size that is not a whole number of at least 1, or heads that do not
 * share the hidden size evenly
 */
export function shapeOf(family: Family, config: JsonObject, file: string): TransformerShape {
  if (setting(config, "is_decoder", false, file)) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: "is_decoder": true is not supported: each token would attend to the tokens before it only. ${exportHint}`,
    );
  }
  checkSizes(config, file);
  const shape = family.shape(config, file);
  const { vocabularySize, hiddenSize, layers, heads, intermediateSize } = shape;
  const { keyHeads = heads, headSize = 1 } = shape;
  const sizes = { vocabularySize, hiddenSize, layers, heads, keyHeads, intermediateSize };
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isSafeInteger(size) && size >= 1) continue;
    throw new SparseEncoderError("MODEL_INVALID", `${file} gives ${size} as ${name} of the transformer.`);
  }
  if (heads % keyHeads !== 0) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} asks for ${keyHeads} heads of keys, which do not divide the ${heads} heads of queries.`,
    );
  }
  if (shape.rotary !== undefined && shape.headSize !== undefined && (headSize % 2 !== 0 || headSize < 2)) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} gives ${headSize} numbers per head, which rotary positions cannot turn in pairs.`,
    );
  }
  if (shape.headSize === undefined && hiddenSize % heads !== 0) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} asks for ${heads} attention heads, which do not divide the hidden size ${hiddenSize}.`,
    );
  }
  return shape;
}

/** Layers of a transformer, several times those of any. */
const mostLayers = 10_000;

/** Numbers of a layer, several times those of any. */
const widest = 1 << 24;

/** Sizes by which the families make lists and divide, before anything is compared with the weights. */
const largestSizes: Readonly<Record<string, number>> = {
  num_hidden_layers: mostLayers,
  n_layers: mostLayers,
  max_window_layers: mostLayers,
  hidden_size: widest,
  dim: widest,
  num_attention_heads: widest,
  n_heads: widest,
  num_key_value_heads: widest,
  head_dim: widest,
  position_buckets: widest,
  relative_attention_num_buckets: widest,
};

/** @throws SparseEncoderError `MODEL_INVALID` for a size that no transformer has */
function checkSizes(config: JsonObject, file: string): void {
  for (const [key, largest] of Object.entries(largestSizes)) {
    const size = Object.hasOwn(config, key) ? config[key] : undefined;
    // Some of them may be -1 or 0, and each family says which.
    if (typeof size !== "number" || (size <= largest && (size !== 0 || !divisors.has(key)))) continue;
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file}: "${key}" is ${size}; a transformer has 1 to ${largest}.`,
    );
  }
}

/** Sizes that others are divided by. */
const divisors = new Set(["num_attention_heads", "n_heads"]);

/**
 * The family of a `config.json`, which its `model_type` tells: `architectures` says what the checkpoint was saved from, not
 * which weights are in it.
 *
 * @param head the head that the caller needs behind the encoder
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`, listing the supported architectures
 */
export function familyOf(
  config: JsonObject,
  file: string,
  head: "masked-lm" | "classifier" | "none",
): Family {
  const type = setting(config, "model_type", "", file);
  const family = Object.hasOwn(families, type) ? families[type] : undefined;
  if (family !== undefined) return { ...family, names: family.variant?.(config, file) ?? family.names };
  const supported = Object.values(families).map((known) =>
    head === "masked-lm"
      ? known.languageModel
      : head === "classifier"
        ? classifierName(known)
        : known.encoder,
  );
  const use = { "masked-lm": " as a sparse encoder", classifier: " as a reranker", none: "" }[head];
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} names ${architectureOf(config) ?? (type === "" ? "no architecture" : received(type))}, which is not supported${use}. Supported architectures: ${supported.join(", ")}. ${exportHint}`,
  );
}

/** The error for a checkpoint of a text generator without modules that make a sparse encoder of it. */
function textGenerator({ config, folder }: TransformerModule): SparseEncoderError {
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${folder} holds ${architectureOf(config) ?? received(config.model_type)}, a text generator, and no modules.json that makes a sparse encoder of it. A sparse encoder of this kind lists Transformer and SpladePooling there; save it with SparseEncoder.save_pretrained of sentence-transformers. Load a dense one with DenseEncoder.load().`,
  );
}

/** What transformers calls a checkpoint of a family with a classification head. */
export function classifierName({ languageModel }: Family): string {
  return languageModel.replace(/For(?:MaskedLM|CausalLM)$/, "ForSequenceClassification");
}

/** What a `config.json` says that the checkpoint was saved from; undefined if it says nothing. */
export function architectureOf({ architectures }: JsonObject): string | undefined {
  if (!Array.isArray(architectures) || architectures.length === 0) return undefined;
  return received(architectures.join(", "));
}

/**
 * Checks that a checkpoint has the language-model head of its family, and is not a text generator that nothing makes a sparse
 * encoder of.
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`
 */
export function checkHead(
  family: Family,
  { tiedDecoder }: TransformerShape,
  transformer: TransformerModule,
  { isAssumed = false }: SpladePoolingModule,
  tensors: TensorTable,
): void {
  if (isAssumed && family.generatesText === true) throw textGenerator(transformer);
  const { dense, decoder } = family.names.head;
  const name = dense === undefined ? decoder : `${dense}.weight`;
  if (tensors.has(name) || (dense === undefined && tiedDecoder)) return;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${tensors.origin} has no ${family.generatesText === true ? "language-model" : "masked-LM"} head (tensor "${name}"), which a sparse encoder needs; config.json names ${architectureOf(transformer.config) ?? "no architecture"}. Load a checkpoint with such a head (${family.languageModel}), or this one as a dense model with DenseEncoder.load().`,
  );
}
