import { received, SparseEncoderError } from "../../errors.ts";
import { type JsonObject, setting } from "../../model/index.ts";
import type { Family, TransformerShape } from "../family.ts";
import { ropeRates } from "./rope-rates.ts";

/** Names that Llama and its descendants share. */
export const decoderNames: Family["names"] = {
  prefix: "model.",
  words: "embed_tokens.weight",
  layer: (number) => `layers.${number}.`,
  attention: { query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj" },
  attentionOutput: "self_attn.o_proj",
  attentionNorm: "input_layernorm",
  gate: "mlp.gate_proj",
  up: "mlp.up_proj",
  down: "mlp.down_proj",
  outputNorm: "post_attention_layernorm",
  finalNorm: "norm",
  head: { decoder: "lm_head.weight", bias: [] },
};

/** What differs between these families where their `config.json` says nothing. */
interface Defaults {
  readonly vocabularySize: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly keyHeads?: number;
  readonly headSize?: number;
  readonly longestInput: number;
  readonly normEpsilon: number;
}

export const llamaDefaults: Defaults = {
  vocabularySize: 32_000,
  layers: 32,
  hiddenSize: 4096,
  intermediateSize: 11_008,
  heads: 32,
  longestInput: 2048,
  normEpsilon: 1e-6,
};

const qwen: Defaults = {
  ...llamaDefaults,
  vocabularySize: 151_936,
  intermediateSize: 22_016,
  keyHeads: 32,
  longestInput: 32_768,
};

/**
 * Sizes under Llama's keys. `is_causal: false` lets tokens attend to both sides, as in transformers; without it they attend to
 * the tokens before them.
 */
export function llamaShape(defaults: Defaults, config: JsonObject, file: string): TransformerShape {
  const size = (key: string, fallback: number) => setting(config, key, fallback, file);
  const heads = size("num_attention_heads", defaults.heads);
  const hiddenSize = size("hidden_size", defaults.hiddenSize);
  const headSize = size("head_dim", defaults.headSize ?? hiddenSize / heads);
  const attention = setting(config, "attention_bias", false, file);
  const mlp = setting(config, "mlp_bias", false, file);
  return {
    vocabularySize: size("vocab_size", defaults.vocabularySize),
    hiddenSize,
    layers: size("num_hidden_layers", defaults.layers),
    heads,
    keyHeads: size("num_key_value_heads", defaults.keyHeads ?? heads),
    headSize,
    intermediateSize: size("intermediate_size", defaults.intermediateSize),
    activation: setting(config, "hidden_act", "silu", file),
    normEpsilon: size("rms_norm_eps", defaults.normEpsilon),
    longestInput: size("max_position_embeddings", defaults.longestInput),
    rotary: { global: ropeRates(config, file, headSize, 10_000) },
    causal: setting(config, "is_causal", true, file),
    preNorm: true,
    rootMeanSquare: true,
    gated: "apart",
    biases: { attention, attentionOutput: attention, up: mlp, down: mlp },
    withoutDecoderBias: true,
    tiedDecoder: setting(config, "tie_word_embeddings", false, file),
  };
}

/** Layers that look at `window` tokens: the token and tokens before it, or as many to both sides. */
function withWindow(shape: TransformerShape, window: number, layers: readonly boolean[]): TransformerShape {
  if (!layers.includes(true)) return shape;
  const [before, after] = shape.causal === true ? [window - 1, 0] : [window, window];
  return { ...shape, local: { before, after, layers } };
}

/** Mistral looks at a window in all layers, unless the file says `null`. */
function mistralShape(config: JsonObject, file: string): TransformerShape {
  const shape = llamaShape(
    { ...llamaDefaults, intermediateSize: 14_336, keyHeads: 8, longestInput: 131_072 },
    { ...config, attention_bias: false, mlp_bias: false },
    file,
  );
  const window = config.sliding_window === null ? 0 : setting(config, "sliding_window", 4096, file);
  return withWindow(shape, window, Array<boolean>(shape.layers).fill(window > 0));
}

/** Qwen names the layers with a window, or the first one of them. */
function qwenShape(defaults: Defaults, config: JsonObject, file: string): TransformerShape {
  const shape = llamaShape(defaults, { ...config, mlp_bias: false }, file);
  const window = setting(config, "use_sliding_window", false, file)
    ? setting(config, "sliding_window", 4096, file)
    : 0;
  const first = setting(config, "max_window_layers", 28, file);
  const isLocal = (layer: number) => window > 0 && layer >= first;
  const layers =
    namedLayers(config, shape.layers, file) ?? Array.from({ length: shape.layers }, (_, n) => isLocal(n));
  if (layers.includes(true) && window <= 0) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} lists layers with a window ("layer_types"), but no "sliding_window" with "use_sliding_window": true.`,
    );
  }
  return withWindow(shape, window, layers);
}

/** Which layers have a window by `layer_types`; undefined if the file does not list them. */
export function namedLayers(
  { layer_types: types }: JsonObject,
  layers: number,
  file: string,
): boolean[] | undefined {
  if (types === undefined || types === null) return undefined;
  const known: readonly unknown[] = ["full_attention", "sliding_attention"];
  if (Array.isArray(types) && types.length >= layers && types.every((type) => known.includes(type))) {
    return types.slice(0, layers).map((type) => type === known[1]);
  }
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file}: "layer_types" must name one of ${known.join(", ")} per layer, found ${received(types)}.`,
  );
}

/** Families that were made to generate text and give sparse or dense vectors when they are trained to. */
export const decoderFamilies: Readonly<Record<string, Family>> = {
  llama: {
    languageModel: "LlamaForCausalLM",
    encoder: "LlamaModel",
    generatesText: true,
    names: decoderNames,
    shape: (config, file) => llamaShape(llamaDefaults, config, file),
  },
  mistral: {
    languageModel: "MistralForCausalLM",
    encoder: "MistralModel",
    generatesText: true,
    names: decoderNames,
    shape: mistralShape,
  },
  qwen2: {
    languageModel: "Qwen2ForCausalLM",
    encoder: "Qwen2Model",
    generatesText: true,
    names: decoderNames,
    shape: (config, file) => {
      const shape = qwenShape(qwen, { ...config, attention_bias: false }, file);
      return { ...shape, biases: { attention: true, attentionOutput: false, up: false, down: false } };
    },
  },
  qwen3: {
    languageModel: "Qwen3ForCausalLM",
    encoder: "Qwen3Model",
    generatesText: true,
    names: { ...decoderNames, headNorms: { query: "self_attn.q_norm", key: "self_attn.k_norm" } },
    shape: (config, file) => {
      const shape = qwenShape({ ...qwen, headSize: 128 }, config, file);
      return { ...shape, normedHeads: true };
    },
  },
};
