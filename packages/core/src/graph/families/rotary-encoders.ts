import { type JsonObject, setting } from "../../model/index.ts";
import type { Family, TensorNames, TransformerShape } from "../family.ts";
import { decoderNames, llamaDefaults, llamaShape } from "./decoders.ts";
import { requireSettings } from "./require-settings.ts";
import { ntkRates, ropeRates } from "./rope-rates.ts";

/** Names of NewModel, which transformers keeps for its GTE class, but for the prefix. */
const gteNames: TensorNames = {
  prefix: "gte.",
  words: "embeddings.word_embeddings.weight",
  positions: "embeddings.position_embeddings.weight",
  tokenTypes: "embeddings.token_type_embeddings.weight",
  embeddingNorm: "embeddings.LayerNorm",
  layer: (number) => `encoder.layer.${number}.`,
  attention: { joined: "attention.qkv_proj" },
  attentionOutput: "attention.o_proj",
  attentionNorm: "attn_ln",
  up: "mlp.up_gate_proj",
  down: "mlp.down_proj",
  outputNorm: "mlp_ln",
  head: {
    dense: "lm_head.dense",
    norm: "lm_head.norm",
    decoder: "lm_head.decoder.weight",
    bias: ["lm_head.decoder.bias"],
  },
};

const separateParts = { query: "attention.q_proj", key: "attention.k_proj", value: "attention.v_proj" };

/** Defaults are as in GteConfig of transformers. */
function gteShape(config: JsonObject, file: string): TransformerShape {
  requireSettings(config, file, {
    layer_norm_type: ["layer_norm"],
    logn_attention_scale: [false],
    position_embedding_type: ["rope", "absolute"],
  });
  const size = (key: string, fallback: number) => setting(config, key, fallback, file);
  const hiddenSize = size("hidden_size", 768);
  const heads = size("num_attention_heads", 12);
  const rows = size("max_position_embeddings", 8192);
  const types = size("type_vocab_size", 1);
  return {
    vocabularySize: size("vocab_size", 250_048),
    hiddenSize,
    layers: size("num_hidden_layers", 12),
    heads,
    intermediateSize: size("intermediate_size", 3072),
    activation: setting(config, "hidden_act", "gelu", file),
    normEpsilon: size("layer_norm_eps", 1e-12),
    longestInput: rows,
    ...(types > 0 && { tokenTypes: types }),
    ...(config.position_embedding_type === "absolute"
      ? { positions: { rows } }
      : { rotary: { global: ropeRates(config, file, hiddenSize / heads, 160_000, { ntk: ntkRates }) } }),
    gated: "joined-second",
    biases: { attention: true, attentionOutput: true, up: false, down: true },
    tiedDecoder: setting(config, "tie_word_embeddings", true, file),
  };
}

/** NomicBERT: token vectors are normed under a name of their own, and the gate is the second of two layers. */
const nomicNames: TensorNames = {
  prefix: "nomic_bert.",
  words: "embeddings.word_embeddings.weight",
  tokenTypes: "embeddings.token_type_embeddings.weight",
  embeddingNorm: "emb_ln",
  layer: (number) => `encoder.layers.${number}.`,
  attention: { joined: "attn.Wqkv" },
  attentionOutput: "attn.out_proj",
  attentionNorm: "norm1",
  up: "mlp.fc11",
  gate: "mlp.fc12",
  down: "mlp.fc2",
  outputNorm: "norm2",
  head: {
    dense: "cls.predictions.transform.dense",
    norm: "cls.predictions.transform.layer_norm",
    decoder: "cls.predictions.decoder.weight",
    bias: ["cls.predictions.bias", "cls.predictions.decoder.bias"],
  },
};

/** Activations of the gate by the names of the published code. */
const gateActivations: Readonly<Record<string, string>> = { swiglu: "silu", geglu: "gelu" };

/** The published code rounds the width inside the MLP up to a multiple. */
const mlpMultiple = 256;

/** The settings of the published code, whose keys are GPT-2's, under the keys of transformers. */
function renamedNomic(config: JsonObject, file: string): JsonObject {
  if (config.n_embd === undefined) return config;
  requireSettings(config, file, {
    activation_function: Object.keys(gateActivations),
    parallel_block: [false],
    prenorm: [false],
    rotary_emb_fraction: [1],
    rotary_emb_interleaved: [false],
    rotary_emb_scale_base: [],
    rotary_scaling_factor: [],
    use_rms_norm: [false],
    num_experts: [0],
    moe_every_n_layers: [0],
  });
  const inner = setting(config, "n_inner", 4 * setting(config, "n_embd", 768, file), file);
  return {
    ...config,
    hidden_size: config.n_embd,
    num_attention_heads: config.n_head,
    num_hidden_layers: config.n_layer,
    intermediate_size: Math.ceil(inner / mlpMultiple) * mlpMultiple,
    hidden_act: gateActivations[setting(config, "activation_function", "swiglu", file)],
    layer_norm_eps: config.layer_norm_epsilon,
    max_position_embeddings: config.n_positions,
    rope_theta: config.rotary_emb_base,
  };
}

/** Defaults are as in NomicBertConfig of transformers. In the published form the head has a bias where the MLP has one. */
function nomicShape(stored: JsonObject, file: string): TransformerShape {
  const config = renamedNomic(stored, file);
  const size = (key: string, fallback: number) => setting(config, key, fallback, file);
  const isPublished = stored.n_embd !== undefined;
  // The class of transformers has no biases there, whatever the file says.
  const has = (key: string) => isPublished && setting(config, key, false, file);
  const hiddenSize = size("hidden_size", 768);
  const heads = size("num_attention_heads", 12);
  const types = size("type_vocab_size", 2);
  const isBare = isPublished && !has("mlp_fc1_bias");
  return {
    vocabularySize: size("vocab_size", 30_528),
    hiddenSize,
    layers: size("num_hidden_layers", 12),
    heads,
    headSize: size("head_dim", hiddenSize / heads),
    intermediateSize: size("intermediate_size", 3072),
    activation: setting(config, "hidden_act", "silu", file),
    normEpsilon: size("layer_norm_eps", 1e-12),
    longestInput: size("max_position_embeddings", 2048),
    ...(types > 0 && { tokenTypes: types }),
    rotary: { global: ropeRates(config, file, size("head_dim", hiddenSize / heads), 1000) },
    gated: "apart",
    biases: {
      attention: has("qkv_proj_bias"),
      attentionOutput: has("qkv_proj_bias"),
      up: has("mlp_fc1_bias"),
      down: has("mlp_fc2_bias"),
    },
    withoutHeadBias: isBare,
    withoutDecoderBias: isBare,
    tiedDecoder: setting(config, "tie_word_embeddings", true, file),
  };
}

/** Jina embeddings v3: XLM-RoBERTa with rotary positions. */
const jinaNames: TensorNames = {
  prefix: "roberta.",
  words: "embeddings.word_embeddings.weight",
  tokenTypes: "embeddings.token_type_embeddings.weight",
  embeddingNorm: "emb_ln",
  layer: (number) => `encoder.layers.${number}.`,
  attention: { joined: "mixer.Wqkv" },
  attentionOutput: "mixer.out_proj",
  attentionNorm: "norm1",
  up: "mlp.fc1",
  down: "mlp.fc2",
  outputNorm: "norm2",
  head: {
    dense: "lm_head.dense",
    norm: "lm_head.layer_norm",
    decoder: "lm_head.decoder.weight",
    bias: ["lm_head.bias", "lm_head.decoder.bias"],
  },
};

/** Defaults are as in JinaEmbeddingsV3Config of transformers. */
function jinaShape(config: JsonObject, file: string): TransformerShape {
  const size = (key: string, fallback: number) => setting(config, key, fallback, file);
  const hiddenSize = size("hidden_size", 1024);
  const heads = size("num_attention_heads", 16);
  return {
    vocabularySize: size("vocab_size", 250_002),
    hiddenSize,
    layers: size("num_hidden_layers", 24),
    heads,
    intermediateSize: size("intermediate_size", 4096),
    activation: setting(config, "hidden_act", "gelu", file),
    normEpsilon: size("layer_norm_eps", 1e-5),
    longestInput: size("max_position_embeddings", 8194),
    tokenTypes: size("type_vocab_size", 1),
    rotary: { global: ropeRates(config, file, hiddenSize / heads, 20_000) },
    headActivation: "gelu",
    tiedDecoder: setting(config, "tie_word_embeddings", true, file),
  };
}

/** Encoders with rotary positions. */
export const rotaryEncoders: Readonly<Record<string, Family>> = {
  gte: {
    languageModel: "GteForMaskedLM",
    encoder: "GteModel",
    names: gteNames,
    // The class of transformers fixes the activation of the head; the published code takes the activation of the layers.
    shape: (config, file) => ({ ...gteShape(config, file), headActivation: "gelu" }),
  },
  // The same model as its authors publish it.
  new: {
    languageModel: "NewForMaskedLM",
    encoder: "NewModel",
    names: { ...gteNames, prefix: "new." },
    variant: (config, file) => ({
      ...gteNames,
      prefix: "new.",
      attention: setting<boolean>(config, "pack_qkv", true, file) ? gteNames.attention : separateParts,
    }),
    shape: (config, file) => gteShape({ ...config, rope_theta: config.rope_theta ?? 10_000 }, file),
  },
  nomic_bert: {
    languageModel: "NomicBertForMaskedLM",
    encoder: "NomicBertModel",
    names: nomicNames,
    variant: (config) => (config.n_embd === undefined ? nomicNames : { ...nomicNames, prefix: "bert." }),
    shape: nomicShape,
  },
  jina_embeddings_v3: {
    languageModel: "JinaEmbeddingsV3ForMaskedLM",
    encoder: "JinaEmbeddingsV3Model",
    names: jinaNames,
    shape: jinaShape,
  },
  eurobert: {
    languageModel: "EuroBertForMaskedLM",
    encoder: "EuroBertModel",
    names: { ...decoderNames, head: { decoder: "lm_head.weight", bias: ["lm_head.bias"] } },
    shape: (config, file) => {
      const shape = llamaShape(
        {
          ...llamaDefaults,
          vocabularySize: 128_256,
          hiddenSize: 768,
          layers: 12,
          heads: 12,
          intermediateSize: 3072,
          longestInput: 8192,
          normEpsilon: 1e-5,
        },
        config,
        file,
      );
      return { ...shape, causal: false, withoutDecoderBias: !setting(config, "mlp_bias", false, file) };
    },
  },
};
