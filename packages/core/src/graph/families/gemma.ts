import { SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject, setting } from "../../model/index.ts";
import type { Family, RotaryRates, TransformerShape } from "../family.ts";
import { decoderNames, llamaShape, namedLayers } from "./decoders.ts";
import { requireSettings } from "./require-settings.ts";
import { ropeRates } from "./rope-rates.ts";

/** Each layer norms what comes into attention and MLP, and what they add. */
const names: Family["names"] = {
  ...decoderNames,
  headNorms: { query: "self_attn.q_norm", key: "self_attn.k_norm" },
  outputNorm: "pre_feedforward_layernorm",
  addedNorms: { attention: "post_attention_layernorm", output: "post_feedforward_layernorm" },
};

/** Defaults follow Gemma3TextConfig in transformers. */
function gemmaShape(config: JsonObject, file: string): TransformerShape {
  requireSettings(config, file, {
    final_logit_softcapping: [],
    attn_logit_softcapping: [],
    is_causal: [true],
  });
  const size = (key: string, fallback: number) => setting(config, key, fallback, file);
  const headSize = size("head_dim", 256);
  const shape = llamaShape(
    {
      vocabularySize: 262_208,
      hiddenSize: 2304,
      layers: 26,
      heads: 8,
      keyHeads: 4,
      intermediateSize: 9216,
      longestInput: 131_072,
      normEpsilon: 1e-6,
    },
    // Each kind of layer has rates of its own, and no MLP has biases.
    { ...config, head_dim: headSize, rope_parameters: null, rope_scaling: null, mlp_bias: false },
    file,
  );
  const sides = setting(config, "use_bidirectional_attention", false, file);
  return {
    ...shape,
    activation: setting(config, "hidden_activation", "gelu_pytorch_tanh", file),
    embeddingScale: Math.sqrt(shape.hiddenSize),
    normFactorsLessOne: true,
    normedHeads: true,
    scoreDivisor: size("query_pre_attn_scalar", 256),
    causal: !sides,
    rotary: rotaryOf(config, file, headSize),
    local: { ...windowOf(config, file, sides), layers: localLayers(config, shape.layers, file) },
    tiedDecoder: setting(config, "tie_word_embeddings", true, file),
  };
}

/** How many tokens before and after each token layers with a window look at. */
function windowOf(
  config: JsonObject,
  file: string,
  sides: boolean,
): { readonly before: number; readonly after: number } {
  const window = setting(config, "sliding_window", 4096, file);
  if (window < 1) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file}: "sliding_window" must be at least 1, found ${window}.`,
    );
  }
  // With both sides, the window is the width of all that is seen.
  const half = Math.floor(window / 2);
  return sides ? { before: half, after: half } : { before: window - 1, after: 0 };
}

/** Which layers have a window: as the file lists them, or all but each sixth. */
function localLayers(config: JsonObject, layers: number, file: string): readonly boolean[] {
  const every = setting(config, "sliding_window_pattern", 6, file);
  return (
    namedLayers(config, layers, file) ??
    Array.from({ length: layers }, (_, layer) => (layer + 1) % every !== 0)
  );
}

/** Older files keep the settings of both kinds of layers side by side, and a scaling of the layers without a window. */
function rotaryOf(
  config: JsonObject,
  file: string,
  width: number,
): { readonly global: RotaryRates; readonly local: RotaryRates } {
  const ropes = isJsonObject(config.rope_parameters) ? config.rope_parameters : {};
  const rates = (kind: string, older: JsonObject, base: number) => {
    const rope = isJsonObject(ropes[kind]) ? ropes[kind] : older;
    const { max_position_embeddings } = config;
    return ropeRates({ max_position_embeddings, rope_parameters: rope }, file, width, base);
  };
  const scaling = isJsonObject(config.rope_scaling) ? config.rope_scaling : {};
  const older = (key: string) => (config[key] === undefined ? {} : { rope_theta: config[key] });
  return {
    global: rates("full_attention", { ...scaling, ...older("rope_theta") }, 1_000_000),
    local: { ...rates("sliding_attention", older("rope_local_base_freq"), 10_000), label: "local" },
  };
}

/** Gemma 3 for texts, such as EmbeddingGemma. Source: https://arxiv.org/abs/2509.20354. */
export const gemma: Family = {
  languageModel: "Gemma3ForCausalLM",
  encoder: "Gemma3TextModel",
  generatesText: true,
  names,
  shape: gemmaShape,
};
