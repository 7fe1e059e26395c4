import { received, SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject, setting } from "../../model/index.ts";
import type { Family, TransformerShape } from "../family.ts";
import { exportHint } from "../unsupported.ts";
import { plainRates } from "./rope-rates.ts";

/** ModernBERT: rotary positions, windows of attention, gated layers without bias. */
export const modernBert: Family = {
  languageModel: "ModernBertForMaskedLM",
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
};

function modernBertShape(config: JsonObject, file: string): TransformerShape {
  const layers = setting(config, "num_hidden_layers", 22, file);
  const every = setting(config, "global_attn_every_n_layers", 3, file);
  const types = Array.isArray(config.layer_types) ? config.layer_types : undefined;
  checkModernBert(config, types ?? [], file);
  const has = (key: string) => setting(config, key, false, file);
  const base = (kind: string, key: string, fallback: number) => {
    const ropes = config.rope_parameters as Record<string, JsonObject> | undefined;
    return setting(ropes?.[kind] ?? {}, "rope_theta", setting(config, key, fallback, file), file);
  };
  const hiddenSize = setting(config, "hidden_size", 768, file);
  const heads = setting(config, "num_attention_heads", 12, file);
  const rates = (kind: string, key: string, fallback: number) =>
    plainRates(base(kind, key, fallback), hiddenSize / heads);
  const window = Math.floor(setting(config, "local_attention", 128, file) / 2);
  return {
    vocabularySize: setting(config, "vocab_size", 50368, file),
    hiddenSize,
    layers,
    heads,
    intermediateSize: setting(config, "intermediate_size", 1152, file),
    activation: setting(config, "hidden_activation", "gelu", file),
    normEpsilon: setting(config, "norm_eps", 1e-5, file),
    longestInput: setting(config, "max_position_embeddings", 8192, file),
    rotary: {
      global: { label: "global", rates: rates("full_attention", "global_rope_theta", 160_000) },
      local: { label: "local", rates: rates("sliding_attention", "local_rope_theta", 10_000) },
    },
    local: {
      before: window,
      after: window,
      layers: Array.from({ length: layers }, (_, layer) =>
        types === undefined ? layer % every !== 0 : types[layer] === "sliding_attention",
      ),
    },
    preNorm: true,
    withoutFirstNorm: true,
    gated: "joined",
    biases: {
      attention: has("attention_bias"),
      attentionOutput: has("attention_bias"),
      up: has("mlp_bias"),
      down: has("mlp_bias"),
    },
    withoutNormBias: !has("norm_bias"),
    headActivation: setting(config, "classifier_activation", "gelu", file),
    withoutHeadBias: !has("classifier_bias"),
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
      `${file}: ModernBERT with ${variant} is not supported. ${exportHint}`,
    );
  };
  const other = types.find((type) => !layerTypes.includes(type));
  if (other !== undefined) refuse(`the layer type ${received(other)}`);
  const ropes = isJsonObject(config.rope_parameters) ? Object.values(config.rope_parameters) : [];
  for (const rope of [config.rope_scaling, ...ropes].filter(isJsonObject)) {
    const type = rope.rope_type ?? rope.type ?? "default";
    if (type !== "default") refuse(`positions of the type ${received(type)}`);
  }
}
