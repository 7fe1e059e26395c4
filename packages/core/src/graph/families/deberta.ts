import { type JsonObject, setting } from "../../model/index.ts";
import type { Disentangled, Family, TransformerShape } from "../family.ts";
import { unsupportedSetting } from "../unsupported.ts";

const names: Family["names"] = {
  prefix: "deberta.",
  words: "embeddings.word_embeddings.weight",
  positions: "embeddings.position_embeddings.weight",
  tokenTypes: "embeddings.token_type_embeddings.weight",
  embeddingNorm: "embeddings.LayerNorm",
  layer: (number) => `encoder.layer.${number}.`,
  attention: {
    query: "attention.self.query_proj",
    key: "attention.self.key_proj",
    value: "attention.self.value_proj",
  },
  distances: {
    table: "encoder.rel_embeddings.weight",
    norm: "encoder.LayerNorm",
    query: "attention.self.pos_query_proj",
    key: "attention.self.pos_key_proj",
  },
  convolution: { layer: "encoder.conv.conv", norm: "encoder.conv.LayerNorm" },
  attentionOutput: "attention.output.dense",
  attentionNorm: "attention.output.LayerNorm",
  up: "intermediate.dense",
  down: "output.dense",
  outputNorm: "output.LayerNorm",
  head: {
    dense: "cls.predictions.transform.dense",
    norm: "cls.predictions.transform.LayerNorm",
    decoder: "cls.predictions.decoder.weight",
    bias: ["cls.predictions.bias", "cls.predictions.decoder.bias"],
  },
};

/** The head of `"legacy": false`, which multiplies with the word embeddings and has no decoder of its own. */
const newerHead: Family["names"]["head"] = {
  dense: "lm_predictions.lm_head.dense",
  norm: "lm_predictions.lm_head.LayerNorm",
  decoder: "lm_predictions.lm_head.decoder.weight",
  bias: ["lm_predictions.lm_head.bias"],
};

/** Whether a masked-LM head is the older one, with a decoder of its own. */
function isLegacy(config: JsonObject, file: string): boolean {
  return setting(config, "legacy", true, file);
}

/** Defaults follow DebertaV2Config in transformers. */
function debertaShape(config: JsonObject, file: string): TransformerShape {
  const size = (key: string, fallback: number) => setting(config, key, fallback, file);
  const hiddenSize = size("hidden_size", 1536);
  const heads = size("num_attention_heads", 24);
  const rows = size("max_position_embeddings", 512);
  const types = size("type_vocab_size", 0);
  for (const [key, supported] of [
    ["embedding_size", hiddenSize],
    ["attention_head_size", hiddenSize / heads],
  ] as const) {
    const value = size(key, supported);
    if (value !== supported) throw unsupportedSetting(file, key, value, [supported]);
  }
  const kernel = size("conv_kernel_size", 0);
  return {
    vocabularySize: size("vocab_size", 128_100),
    hiddenSize,
    layers: size("num_hidden_layers", 24),
    heads,
    intermediateSize: size("intermediate_size", 6144),
    activation: setting(config, "hidden_act", "gelu", file),
    normEpsilon: size("layer_norm_eps", 1e-7),
    longestInput: rows,
    ...(setting(config, "position_biased_input", true, file) && { positions: { rows } }),
    ...(types > 0 && { tokenTypes: types }),
    disentangled: disentangled(config, file, rows),
    ...(kernel > 0 && {
      convolution: {
        kernel,
        groups: size("conv_groups", 1),
        activation: setting(config, "conv_act", "tanh", file),
      },
    }),
    // The newer head multiplies with the word embeddings whatever the file says of ties.
    tiedDecoder: setting(config, "tie_word_embeddings", true, file) || !isLegacy(config, file),
  };
}

function disentangled(config: JsonObject, file: string, positions: number): Disentangled {
  const kinds = attentionKinds(config, file);
  const asked = setting(config, "max_relative_positions", -1, file);
  const reach = asked < 1 ? positions : asked;
  const buckets = Math.max(0, setting(config, "position_buckets", -1, file));
  const norms = setting(config, "norm_rel_ebd", "none", file)
    .toLowerCase()
    .split("|")
    .map((name) => name.trim());
  return {
    scaledBy: 1 + kinds.length,
    isOn: setting(config, "relative_attention", false, file),
    toPositions: kinds.includes("c2p"),
    fromPositions: kinds.includes("p2c"),
    reach,
    buckets,
    sharesProjections: setting(config, "share_att_key", false, file),
    normed: norms.includes("layer_norm"),
  };
}

/** What attends to what beside content to content: `c2p`, `p2c`. */
function attentionKinds({ pos_att_type: kinds }: JsonObject, file: string): string[] {
  const known = ["c2p", "p2c"];
  const listed: unknown = typeof kinds === "string" ? kinds.toLowerCase().split("|") : (kinds ?? []);
  const names = Array.isArray(listed) ? listed.map((name) => String(name).trim()) : [String(listed)];
  const other = names.find((name) => name !== "" && !known.includes(name));
  if (other !== undefined) throw unsupportedSetting(file, "pos_att_type", other, known);
  return known.filter((name) => names.includes(name));
}

/** DeBERTa-v2 and v3: attention between contents and distances. Source: https://arxiv.org/abs/2006.03654. */
export const deberta: Family = {
  languageModel: "DebertaV2ForMaskedLM",
  encoder: "DebertaV2Model",
  names,
  variant: (config, file) => (isLegacy(config, file) ? names : { ...names, head: newerHead }),
  shape: debertaShape,
};
