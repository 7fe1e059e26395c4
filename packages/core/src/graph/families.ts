import { SparseEncoderError } from "../errors.ts";
import type { JsonObject } from "../model/index.ts";
import { setting } from "../model/index.ts";

/** Sizes and switches of one transformer, read from its `config.json`. */
export interface TransformerShape {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly vocabularySize: number;
  /** Rows of the position table. */
  readonly positions: number;
  readonly tokenTypes: number;
  readonly activation: string;
  readonly normEpsilon: number;
  /** True if the decoder of the masked-LM head shares the word embeddings. */
  readonly tiedDecoder: boolean;
}

/** Where a family keeps its tensors. A linear layer or norm is named without `.weight` and `.bias`. */
export interface TensorNames {
  /** What precedes the encoder's names in a checkpoint with a head; absent in one without. */
  readonly prefix: string;
  readonly words: string;
  readonly positions: string;
  readonly tokenTypes: string;
  readonly embeddingNorm: string;
  /** Start of the names of layer `number`, from 0. */
  readonly layer: (number: number) => string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attentionOutput: string;
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly outputNorm: string;
  /** The masked-LM head; full names, without the prefix. */
  readonly head: {
    readonly dense: string;
    readonly norm: string;
    readonly decoder: string;
    readonly bias: string;
  };
}

/** One transformer family: everything the builder needs to know about it. */
export interface Family {
  /** The class in `architectures` of a checkpoint with a masked-LM head. */
  readonly maskedLm: string;
  readonly names: TensorNames;
  readonly shape: (config: JsonObject, file: string) => TransformerShape;
}

/** The supported families by `model_type`. A new family is a new entry here. */
const families: Readonly<Record<string, Family>> = {
  bert: {
    maskedLm: "BertForMaskedLM",
    names: {
      prefix: "bert.",
      words: "embeddings.word_embeddings.weight",
      positions: "embeddings.position_embeddings.weight",
      tokenTypes: "embeddings.token_type_embeddings.weight",
      embeddingNorm: "embeddings.LayerNorm",
      layer: (number) => `encoder.layer.${number}.`,
      query: "attention.self.query",
      key: "attention.self.key",
      value: "attention.self.value",
      attentionOutput: "attention.output.dense",
      attentionNorm: "attention.output.LayerNorm",
      up: "intermediate.dense",
      down: "output.dense",
      outputNorm: "output.LayerNorm",
      head: {
        dense: "cls.predictions.transform.dense",
        norm: "cls.predictions.transform.LayerNorm",
        decoder: "cls.predictions.decoder.weight",
        bias: "cls.predictions.bias",
      },
    },
    // Defaults are those of BertConfig in transformers.
    shape: (config, file) => ({
      hiddenSize: setting(config, "hidden_size", 768, file),
      layers: setting(config, "num_hidden_layers", 12, file),
      heads: setting(config, "num_attention_heads", 12, file),
      intermediateSize: setting(config, "intermediate_size", 3072, file),
      vocabularySize: setting(config, "vocab_size", 30522, file),
      positions: setting(config, "max_position_embeddings", 512, file),
      tokenTypes: setting(config, "type_vocab_size", 2, file),
      activation: setting(config, "hidden_act", "gelu", file),
      normEpsilon: setting(config, "layer_norm_eps", 1e-12, file),
      tiedDecoder: setting(config, "tie_word_embeddings", true, file),
    }),
  },
};

/**
 * The family of a `config.json`.
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`, listing the supported architectures
 */
export function familyOf(config: JsonObject, file: string): Family {
  const type = setting(config, "model_type", "", file);
  const architectures = Array.isArray(config.architectures) ? config.architectures : [];
  const family = Object.hasOwn(families, type) ? families[type] : undefined;
  if (family === undefined || !architectures.includes(family.maskedLm)) {
    const found = architectures.length > 0 ? architectures.join(", ") : type || "no architecture";
    const supported = Object.values(families).map((known) => known.maskedLm);
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file} names ${found}, which is not supported. Supported architectures: ${supported.join(", ")}.`,
    );
  }
  return family;
}
