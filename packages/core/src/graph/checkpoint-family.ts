import { received, SparseEncoderError } from "../errors.ts";
import { type JsonObject, setting, type TensorTable } from "../model/index.ts";
import { families } from "./families.ts";
import type { Family, TransformerShape } from "./family.ts";

/**
 * The shape of a transformer, whose sizes can be built.
 * @throws SparseEncoderError `MODEL_INVALID` for a size that is not a whole number of at least 1, or heads that do not
 * share the hidden size evenly
 */
export function shapeOf(family: Family, config: JsonObject, file: string): TransformerShape {
  if (setting(config, "is_decoder", false, file)) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: "is_decoder": true is not supported: each token would attend to the tokens before it only.`,
    );
  }
  const shape = family.shape(config, file);
  const { vocabularySize, hiddenSize, layers, heads, intermediateSize } = shape;
  const sizes = { vocabularySize, hiddenSize, layers, heads, intermediateSize };
  for (const [name, size] of Object.entries(sizes)) {
    if (Number.isSafeInteger(size) && size >= 1) continue;
    throw new SparseEncoderError("MODEL_INVALID", `${file} gives ${size} as ${name} of the transformer.`);
  }
  if (hiddenSize % heads !== 0) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} asks for ${heads} attention heads, which do not divide the hidden size ${hiddenSize}.`,
    );
  }
  return shape;
}

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
  if (family !== undefined) return family;
  const supported = Object.values(families).map((known) =>
    head === "masked-lm" ? known.maskedLm : head === "classifier" ? classifierName(known) : known.encoder,
  );
  const use = { "masked-lm": " as a sparse encoder", classifier: " as a reranker", none: "" }[head];
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} names ${architectureOf(config) ?? (type === "" ? "no architecture" : received(type))}, which is not supported${use}. Supported architectures: ${supported.join(", ")}. An ONNX export of another model runs with the option fileName, such as "onnx/model.onnx".`,
  );
}

/** What transformers calls a checkpoint of a family with a classification head. */
export function classifierName({ maskedLm }: Family): string {
  return maskedLm.replace("ForMaskedLM", "ForSequenceClassification");
}

/** What a `config.json` says that the checkpoint was saved from; undefined if it says nothing. */
export function architectureOf({ architectures }: JsonObject): string | undefined {
  if (!Array.isArray(architectures) || architectures.length === 0) return undefined;
  return received(architectures.join(", "));
}

/**
 * Checks that a checkpoint has the masked-LM head of its family.
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`
 */
export function checkHead(family: Family, config: JsonObject, tensors: TensorTable): void {
  const name = `${family.names.head.dense}.weight`;
  if (tensors.has(name)) return;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${tensors.origin} has no masked-LM head (tensor "${name}"), which a sparse encoder needs; config.json names ${architectureOf(config) ?? "no architecture"}. Load a checkpoint with such a head (${family.maskedLm}), or this one as a dense model with DenseEncoder.load().`,
  );
}
