import { received, SparseEncoderError } from "../errors.ts";
import { isJsonObject, type JsonObject, setting, type TensorTable } from "../model/index.ts";

/**
 * Sizes and switches of one transformer, read from its `config.json`. Optional entries are switches that most
 * families leave off.
 */
export interface TransformerShape {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  /** Width of the embedding tables, where a projection brings them to the hidden size. Default: hidden size. */
  readonly embeddingSize?: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly activation: string;
  readonly normEpsilon: number;
  /** Learned positions: rows of the table, and the id whose positions are not counted, if numbering skips it. */
  readonly positions?: { readonly rows: number; readonly paddingId?: number };
  /** Longest input where there is no position table. */
  readonly longestInput?: number;
  /** Rows of the token type table. */
  readonly tokenTypes?: number;
  /** Bias shared by all layers that depends on the distance of two tokens: number of buckets. */
  readonly relativeBuckets?: number;
  /** Rotary positions; each layer attends to everything or to a window, with an angle base of its own. */
  readonly rotary?: {
    readonly base: number;
    readonly localBase: number;
    /** Tokens to each side that a local layer looks at. */
    readonly window: number;
    readonly isLocal: readonly boolean[];
  };
  /** Norms stand before attention and MLP, and once behind the last layer. */
  readonly preNorm?: boolean;
  /** The MLP multiplies an activated half with a plain one; `up` gives both. */
  readonly gated?: boolean;
  /** Linear layers of the encoder have no bias. */
  readonly withoutBias?: boolean;
  /** Norms have no bias. */
  readonly withoutNormBias?: boolean;
  /** Activation of the masked-LM head, where the layers have another one. */
  readonly headActivation?: string;
  /** The dense layer of the masked-LM head has no bias. */
  readonly withoutHeadBias?: boolean;
  /** The decoder of the masked-LM head has no bias. */
  readonly withoutDecoderBias?: boolean;
  /** The decoder of the masked-LM head shares the word embeddings, unless the checkpoint stores one of its own. */
  readonly tiedDecoder: boolean;
}

/** Where a family keeps its tensors. A linear layer or norm is named without `.weight` and `.bias`. */
export interface TensorNames {
  /** What precedes the encoder's names in a checkpoint with a head; absent in one without. */
  readonly prefix: string;
  readonly words: string;
  readonly positions?: string;
  readonly tokenTypes?: string;
  readonly embeddingNorm: string;
  /** Linear layer from embedding to hidden size, if they differ. */
  readonly projection?: string;
  readonly relativeBias?: string;
  /** Start of the names of layer `number`, from 0. */
  readonly layer: (number: number) => string;
  /** Three names, or one whose rows hold query, key and value in this order. */
  readonly attention:
    | { readonly query: string; readonly key: string; readonly value: string }
    | { readonly joined: string };
  readonly attentionOutput: string;
  /** Pre-norm families: the norm before attention, which layer 0 may lack. */
  readonly attentionNorm: string;
  readonly up: string;
  readonly down: string;
  readonly outputNorm: string;
  readonly finalNorm?: string;
  /** The masked-LM head; full names, without the prefix. */
  readonly head: {
    readonly dense: string;
    readonly norm: string;
    readonly decoder: string;
    /** Names of the decoder bias: first as the head's own, then as the decoder's. */
    readonly bias: readonly string[];
  };
}

/** One transformer family: everything the builder needs to know about it. */
export interface Family {
  /** What transformers calls a checkpoint with a masked-LM head, and one without. */
  readonly maskedLm: string;
  readonly encoder: string;
  readonly names: TensorNames;
  readonly shape: (config: JsonObject, file: string) => TransformerShape;
}

/** Names that BERT and its descendants share. */
const bertLayer = {
  layer: (number: number) => `encoder.layer.${number}.`,
  attention: { query: "attention.self.query", key: "attention.self.key", value: "attention.self.value" },
  attentionOutput: "attention.output.dense",
  attentionNorm: "attention.output.LayerNorm",
  up: "intermediate.dense",
  down: "output.dense",
  outputNorm: "output.LayerNorm",
} as const;

const bertEmbeddings = {
  words: "embeddings.word_embeddings.weight",
  positions: "embeddings.position_embeddings.weight",
  tokenTypes: "embeddings.token_type_embeddings.weight",
  embeddingNorm: "embeddings.LayerNorm",
} as const;

const robertaHead = {
  dense: "lm_head.dense",
  norm: "lm_head.layer_norm",
  decoder: "lm_head.decoder.weight",
  bias: ["lm_head.bias", "lm_head.decoder.bias"],
} as const;

/** Sizes under BERT's keys. Defaults are those of BertConfig in transformers. */
function bertShape(config: JsonObject, file: string) {
  return {
    vocabularySize: setting(config, "vocab_size", 30522, file),
    hiddenSize: setting(config, "hidden_size", 768, file),
    layers: setting(config, "num_hidden_layers", 12, file),
    heads: setting(config, "num_attention_heads", 12, file),
    intermediateSize: setting(config, "intermediate_size", 3072, file),
    activation: setting(config, "hidden_act", "gelu", file),
    normEpsilon: setting(config, "layer_norm_eps", 1e-12, file),
    positions: { rows: setting(config, "max_position_embeddings", 512, file) },
    tokenTypes: setting(config, "type_vocab_size", 2, file),
    tiedDecoder: setting(config, "tie_word_embeddings", true, file),
  };
}

/** RoBERTa counts positions from behind the padding id and skips padding tokens inside a text. */
function robertaShape(config: JsonObject, file: string): TransformerShape {
  const shape = bertShape(config, file);
  const paddingId = setting(config, "pad_token_id", 1, file);
  return { ...shape, positions: { ...shape.positions, paddingId }, headActivation: "gelu" };
}

const roberta: Omit<Family, "maskedLm" | "encoder"> = {
  names: { prefix: "roberta.", ...bertEmbeddings, ...bertLayer, head: robertaHead },
  shape: robertaShape,
};

/** The supported families by `model_type`. A new family is a new entry here. */
export const families: Readonly<Record<string, Family>> = {
  bert: {
    maskedLm: "BertForMaskedLM",
    encoder: "BertModel",
    names: {
      prefix: "bert.",
      ...bertEmbeddings,
      ...bertLayer,
      head: {
        dense: "cls.predictions.transform.dense",
        norm: "cls.predictions.transform.LayerNorm",
        decoder: "cls.predictions.decoder.weight",
        bias: ["cls.predictions.bias", "cls.predictions.decoder.bias"],
      },
    },
    shape: bertShape,
  },
  roberta: { maskedLm: "RobertaForMaskedLM", encoder: "RobertaModel", ...roberta },
  "xlm-roberta": { maskedLm: "XLMRobertaForMaskedLM", encoder: "XLMRobertaModel", ...roberta },
  camembert: { maskedLm: "CamembertForMaskedLM", encoder: "CamembertModel", ...roberta },
  distilbert: {
    maskedLm: "DistilBertForMaskedLM",
    encoder: "DistilBertModel",
    names: {
      prefix: "distilbert.",
      words: bertEmbeddings.words,
      positions: bertEmbeddings.positions,
      embeddingNorm: bertEmbeddings.embeddingNorm,
      layer: (number) => `transformer.layer.${number}.`,
      attention: { query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin" },
      attentionOutput: "attention.out_lin",
      attentionNorm: "sa_layer_norm",
      up: "ffn.lin1",
      down: "ffn.lin2",
      outputNorm: "output_layer_norm",
      head: {
        dense: "vocab_transform",
        norm: "vocab_layer_norm",
        decoder: "vocab_projector.weight",
        bias: ["vocab_projector.bias"],
      },
    },
    shape: (config, file) => ({
      vocabularySize: setting(config, "vocab_size", 30522, file),
      hiddenSize: setting(config, "dim", 768, file),
      layers: setting(config, "n_layers", 6, file),
      heads: setting(config, "n_heads", 12, file),
      intermediateSize: setting(config, "hidden_dim", 3072, file),
      activation: setting(config, "activation", "gelu", file),
      normEpsilon: 1e-12,
      positions: { rows: setting(config, "max_position_embeddings", 512, file) },
      tiedDecoder: setting(config, "tie_word_embeddings", true, file),
    }),
  },
  mpnet: {
    maskedLm: "MPNetForMaskedLM",
    encoder: "MPNetModel",
    names: {
      prefix: "mpnet.",
      words: bertEmbeddings.words,
      positions: bertEmbeddings.positions,
      embeddingNorm: bertEmbeddings.embeddingNorm,
      relativeBias: "encoder.relative_attention_bias.weight",
      layer: bertLayer.layer,
      attention: { query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v" },
      attentionOutput: "attention.attn.o",
      attentionNorm: "attention.LayerNorm",
      up: bertLayer.up,
      down: bertLayer.down,
      outputNorm: bertLayer.outputNorm,
      head: robertaHead,
    },
    shape: (config, file) => {
      const { tokenTypes: _, ...shape } = bertShape(config, file);
      return {
        ...shape,
        // MPNet's padding id is fixed in its code, whatever the configuration says.
        positions: { ...shape.positions, paddingId: 1 },
        relativeBuckets: setting(config, "relative_attention_num_buckets", 32, file),
        headActivation: "gelu",
      };
    },
  },
  electra: {
    maskedLm: "ElectraForMaskedLM",
    encoder: "ElectraModel",
    names: {
      prefix: "electra.",
      ...bertEmbeddings,
      ...bertLayer,
      projection: "embeddings_project",
      head: {
        dense: "generator_predictions.dense",
        norm: "generator_predictions.LayerNorm",
        decoder: "generator_lm_head.weight",
        bias: ["generator_lm_head.bias"],
      },
    },
    shape: (config, file) => ({
      ...bertShape(config, file),
      embeddingSize: setting(config, "embedding_size", 128, file),
      headActivation: "gelu",
    }),
  },
  albert: {
    maskedLm: "AlbertForMaskedLM",
    encoder: "AlbertModel",
    names: {
      prefix: "albert.",
      ...bertEmbeddings,
      projection: "encoder.embedding_hidden_mapping_in",
      // All layers share the weights of one.
      layer: () => "encoder.albert_layer_groups.0.albert_layers.0.",
      attention: { query: "attention.query", key: "attention.key", value: "attention.value" },
      attentionOutput: "attention.dense",
      attentionNorm: "attention.LayerNorm",
      up: "ffn",
      down: "ffn_output",
      outputNorm: "full_layer_layer_norm",
      head: {
        dense: "predictions.dense",
        norm: "predictions.LayerNorm",
        decoder: "predictions.decoder.weight",
        bias: ["predictions.bias", "predictions.decoder.bias"],
      },
    },
    shape: (config, file) => {
      for (const key of ["num_hidden_groups", "inner_group_num"]) {
        if (setting(config, key, 1, file) !== 1) {
          throw new SparseEncoderError(
            "MODEL_UNSUPPORTED",
            `${file}: ALBERT with ${key} above 1 is not supported.`,
          );
        }
      }
      return {
        ...bertShape(config, file),
        activation: setting(config, "hidden_act", "gelu_new", file),
        embeddingSize: setting(config, "embedding_size", 128, file),
      };
    },
  },
  modernbert: {
    maskedLm: "ModernBertForMaskedLM",
    encoder: "ModernBertModel",
    names: {
      prefix: "model.",
      words: "embeddings.tok_embeddings.weight",
      embeddingNorm: "embeddings.norm",
      layer: (number) => `layers.${number}.`,
      attention: { joined: "attn.Wqkv" },
      attentionOutput: "attn.Wo",
      attentionNorm: "attn_norm",
      up: "mlp.Wi",
      down: "mlp.Wo",
      outputNorm: "mlp_norm",
      finalNorm: "final_norm",
      head: { dense: "head.dense", norm: "head.norm", decoder: "decoder.weight", bias: ["decoder.bias"] },
    },
    shape: modernBertShape,
  },
};

function modernBertShape(config: JsonObject, file: string): TransformerShape {
  const layers = setting(config, "num_hidden_layers", 22, file);
  const every = setting(config, "global_attn_every_n_layers", 3, file);
  const types = Array.isArray(config.layer_types) ? config.layer_types : undefined;
  checkModernBert(config, types ?? [], file);
  const base = (kind: string, key: string, fallback: number) => {
    const ropes = config.rope_parameters as Record<string, JsonObject> | undefined;
    return setting(ropes?.[kind] ?? {}, "rope_theta", setting(config, key, fallback, file), file);
  };
  return {
    vocabularySize: setting(config, "vocab_size", 50368, file),
    hiddenSize: setting(config, "hidden_size", 768, file),
    layers,
    heads: setting(config, "num_attention_heads", 12, file),
    intermediateSize: setting(config, "intermediate_size", 1152, file),
    activation: setting(config, "hidden_activation", "gelu", file),
    normEpsilon: setting(config, "norm_eps", 1e-5, file),
    longestInput: setting(config, "max_position_embeddings", 8192, file),
    rotary: {
      base: base("full_attention", "global_rope_theta", 160_000),
      localBase: base("sliding_attention", "local_rope_theta", 10_000),
      window: Math.floor(setting(config, "local_attention", 128, file) / 2),
      isLocal: Array.from({ length: layers }, (_, layer) =>
        types === undefined ? layer % every !== 0 : types[layer] === "sliding_attention",
      ),
    },
    preNorm: true,
    gated: true,
    withoutBias: true,
    withoutNormBias: true,
    headActivation: setting(config, "classifier_activation", "gelu", file),
    withoutHeadBias: !setting(config, "classifier_bias", false, file),
    withoutDecoderBias: !setting(config, "decoder_bias", true, file),
    tiedDecoder: setting(config, "tie_word_embeddings", true, file),
  };
}

/** Kinds of attention by their names in `layer_types`. */
const layerTypes: readonly unknown[] = ["full_attention", "sliding_attention"];

/** Refuses variants of ModernBERT that would give other vectors. */
function checkModernBert(config: JsonObject, types: readonly unknown[], file: string): void {
  const refuse = (variant: string) => {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: ModernBERT with ${variant} is not supported.`,
    );
  };
  for (const key of ["attention_bias", "mlp_bias", "norm_bias"]) {
    if (setting(config, key, false, file)) refuse(key);
  }
  const other = types.find((type) => !layerTypes.includes(type));
  if (other !== undefined) refuse(`the layer type ${received(other)}`);
  const ropes = isJsonObject(config.rope_parameters) ? Object.values(config.rope_parameters) : [];
  for (const rope of [config.rope_scaling, ...ropes].filter(isJsonObject)) {
    const type = rope.rope_type ?? rope.type ?? "default";
    if (type !== "default") refuse(`positions of the type ${received(type)}`);
  }
}

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
 * @param head true if the masked-LM head is needed
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`, listing the supported architectures
 */
export function familyOf(config: JsonObject, file: string, head: boolean): Family {
  const type = setting(config, "model_type", "", file);
  const family = Object.hasOwn(families, type) ? families[type] : undefined;
  if (family !== undefined) return family;
  const supported = Object.values(families).map((known) => (head ? known.maskedLm : known.encoder));
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} names ${architectureOf(config) ?? (type === "" ? "no architecture" : received(type))}, which is not supported${head ? " as a sparse encoder" : ""}. Supported architectures: ${supported.join(", ")}. An ONNX export of another model runs with the option fileName, such as "onnx/model.onnx".`,
  );
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
