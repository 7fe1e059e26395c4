import { received, SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject, setting } from "../../model/index.ts";
import type { RotaryRates } from "../family.ts";
import { exportHint, unsupportedSetting } from "../unsupported.ts";

/** What a scaling needs to know. */
export interface Scaling {
  /** Settings of the scaling, and their file for messages. */
  readonly rope: JsonObject;
  readonly file: string;
  readonly base: number;
  /** Numbers per head. */
  readonly width: number;
  /** Positions that the model is made for, or the model before it was stretched. */
  readonly positions: number;
}

/** Rates, and what cosines and sines are multiplied by; 1 unless given. */
export interface Scaled {
  readonly rates: Float32Array;
  readonly scale?: number;
}

/** The scalings of rotary positions by their names in `config.json`. Source: `modeling_rope_utils.py` of transformers. */
const scalings: Scalings = {
  default: ({ base, width }) => ({ rates: plainRates(base, width) }),
  linear: (scaling) => {
    const factor = numberOf(scaling, "factor");
    return { rates: plainRates(scaling.base, scaling.width).map((rate) => rate / factor) };
  },
  // It stretches texts beyond the positions that the model names, and longer texts are cut.
  dynamic: ({ base, width }) => ({ rates: plainRates(base, width) }),
  llama3: llama3Rates,
  yarn: yarnRates,
};

type Scalings = Readonly<Record<string, (scaling: Scaling) => Scaled>>;

/** The keys under which files keep the scaling: one now, two in older files. */
const ropeKeys = ["rope_parameters", "rope_scaling"] as const;

/**
 * The rates of rotary positions that a `config.json` asks for.
 *
 * @param width numbers per head
 * @param base where the file names none
 * @param others scalings that only some families know
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` for a scaling that is not known, `MODEL_INVALID` for one without its numbers
 */
export function ropeRates(
  config: JsonObject,
  file: string,
  width: number,
  base: number,
  others: Scalings = {},
): RotaryRates {
  const known = { ...scalings, ...others };
  const rope = ropeKeys.map((key) => config[key]).find(isJsonObject) ?? {};
  const type = rope.rope_type ?? rope.type ?? "default";
  const scaling = typeof type === "string" && Object.hasOwn(known, type) ? known[type] : undefined;
  if (scaling === undefined) throw unknownScaling(type, Object.keys(known), file);
  const partial = setting(
    rope,
    "partial_rotary_factor",
    setting(config, "partial_rotary_factor", 1, file),
    file,
  );
  if (partial !== 1) {
    throw unsupportedSetting(file, "partial_rotary_factor", partial, [1]);
  }
  const longest = setting(config, "max_position_embeddings", 0, file);
  const scaled = scaling({
    rope,
    file,
    base: setting(rope, "rope_theta", setting(config, "rope_theta", base, file), file),
    width,
    positions:
      setting(config, "original_max_position_embeddings", 0, file) ||
      setting(rope, "original_max_position_embeddings", longest, file),
  });
  return { label: "global", ...scaled };
}

/** The error for a scaling of rotary positions that is not supported. */
export function unknownScaling(
  type: unknown,
  supported: readonly string[],
  file: string,
): SparseEncoderError {
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} scales rotary positions by ${received(type)}, which is not supported. Supported: ${supported.join(", ")}. ${exportHint}`,
  );
}

/** base^(-2i / width), in the float32 steps of the reference. */
export function plainRates(base: number, width: number): Float32Array {
  return Float32Array.from({ length: width / 2 }, (_, pair) => {
    return 1 / Math.fround(base ** Math.fround((2 * pair) / width));
  });
}

/**
 * A larger base and slower rates, the same for every length; with `mixed_b` rates that slow down along the pairs. Source:
 * `NTKScalingRotaryEmbedding` of NewModel, after https://kexue.fm/archives/9706.
 */
export function ntkRates(scaling: Scaling): Scaled {
  const { rope, file, base, width } = scaling;
  const factor = numberOf(scaling, "factor");
  // The published code scales for lengths beyond the model's only, and it prepares them with factors above 1.
  if (factor <= 1) return { rates: plainRates(base, width) };
  const mixed = setting(rope, "mixed_b", 0, file);
  if (rope.mixed_b === undefined || rope.mixed_b === null) {
    const slower = factor ** (2 / width);
    return { rates: plainRates(base * factor, width).map((rate) => rate / slower) };
  }
  const growth = Math.log(factor) / (width / 2) ** mixed;
  return {
    rates: plainRates(base, width).map((rate, pair) => rate / Math.exp(growth * (pair + 1) ** mixed)),
  };
}

/** Slow rates are divided by a factor, fast ones stay, and those between are mixed. */
function llama3Rates(scaling: Scaling): Scaled {
  const { base, width, positions } = scaling;
  const factor = numberOf(scaling, "factor");
  const low = numberOf(scaling, "low_freq_factor");
  const high = numberOf(scaling, "high_freq_factor");
  const rates = plainRates(base, width).map((rate) => {
    const turns = (positions * rate) / (2 * Math.PI);
    if (turns > high) return rate;
    if (turns < low) return rate / factor;
    const smooth = (turns - low) / (high - low);
    return ((1 - smooth) * rate) / factor + smooth * rate;
  });
  return { rates };
}

/** As llama3, with the mix along the pairs of numbers, and larger cosines and sines. Source: https://arxiv.org/abs/2309.00071. */
function yarnRates(scaling: Scaling): Scaled {
  const { rope, file, base, width, positions } = scaling;
  const factor = numberOf(scaling, "factor");
  const optional = (key: string) => setting(rope, key, 0, file);
  /** The pair of numbers that turns so often over all positions. */
  const pairOf = (turns: number) =>
    (width * Math.log(positions / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const truncates = setting(rope, "truncate", true, file);
  const [fast, slow] = [pairOf(optional("beta_fast") || 32), pairOf(optional("beta_slow") || 1)];
  const first = Math.max(truncates ? Math.floor(fast) : fast, 0);
  const last = Math.min(truncates ? Math.ceil(slow) : slow, width - 1);
  const span = first === last ? 0.001 : last - first;
  const rates = plainRates(base, width).map((rate, pair) => {
    const slowed = Math.min(1, Math.max(0, (pair - first) / span));
    return (rate / factor) * slowed + rate * (1 - slowed);
  });
  const grown = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const [own, all] = [optional("mscale"), optional("mscale_all_dim")];
  const scale = optional("attention_factor") || (own && all ? grown(own) / grown(all) : grown(1));
  return { rates, scale };
}

/** @throws SparseEncoderError `MODEL_INVALID` if the scaling lacks the number */
function numberOf({ rope, file }: Scaling, key: string): number {
  const value = setting(rope, key, 0, file);
  if (value > 0) return value;
  throw new SparseEncoderError(
    "MODEL_INVALID",
    `${file}: the scaling of rotary positions needs "${key}" above 0, found ${received(rope[key])}.`,
  );
}
