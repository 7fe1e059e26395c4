import { invalidArgument, received } from "../../errors.ts";
import {
  type ModelAddress,
  type ModelSourceOptions,
  readModelAddress,
  sourceRules,
} from "../../model/index.ts";
import { type CheckedOptions, count, declareOptions, oneOf, rule, text } from "../../options/index.ts";
import { parseDevice } from "../../runtime/index.ts";
import { type Dtype, dtypes } from "./number-format.ts";

/** Options of loading any model. */
export interface LoadOptions extends ModelSourceOptions {
  /** Longest input in tokens, special tokens included. Default: what the model says. */
  readonly maxSeqLength?: number | undefined;
  /** Prompts by name, added to the model's or put in their place; `""` turns one off. */
  readonly prompts?: Readonly<Record<string, string>> | undefined;
  /** Name of the prompt that plain `encode` uses. Default: the model's, if any. */
  readonly defaultPromptName?: string | undefined;
  /**
   * Number format of the products. Default `fp32`, which is exact on every device.
   *
   * - `int8` is faster and smaller on the CPU and costs a little quality. A text has the same vector alone and in every batch.
   * - `fp16` is for NVIDIA GPUs: half the memory, several times as fast, differences of some 5e-3. Elsewhere the model computes
   *   in float32; `describe().computation` says which.
   * - `tf32` is for NVIDIA GPUs too: products read 10 of the 23 bits of float32 weights, differences of some 5e-3. One process
   *   cannot have models in `fp32` and in `tf32` on CUDA.
   *
   * The weights of `int8` and `fp16` are made at the first load and kept in `cacheDir`.
   */
  readonly dtype?: Dtype | undefined;
  /**
   * Where the model runs: `auto`, `cpu`, `cuda`, `cuda:<n>`, `dml`, `dml:<n>`, `webgpu` or `coreml`. `auto`, the default,
   * is CUDA where it was installed and opens, else the CPU; `describe()` says which. A device that is named is used or
   * refused.
   */
  readonly device?: string | undefined;
  /**
   * Most worker threads, each with a session of its own over the same mapped weights; they start when there is work for
   * them. Default: on the CPU the cores that this process may use, at most 8; on CUDA 3, each with weights of its own on the
   * card.
   */
  readonly workers?: number | undefined;
  /**
   * CPU threads of each worker. Default: the cores of this process over the workers, at least 1; a batch with no other beside it,
   * such as one query, then gets all of them.
   */
  readonly threads?: number | undefined;
}

/** Most threads or workers. Far more than cores; a number typed wrong must not take the memory of the machine. */
const mostThreads = 1024;

/** What PyTorch and transformers.js call the formats. */
const dtypesElsewhere = {
  auto: "fp32",
  float32: "fp32",
  f32: "fp32",
  float: "fp32",
  "torch.float32": "fp32",
  float16: "fp16",
  half: "fp16",
  f16: "fp16",
  "torch.float16": "fp16",
  bfloat16: "fp16",
  bf16: "fp16",
  "torch.bfloat16": "fp16",
  q8: "int8",
  q4: "int8",
  q4f16: "int8",
  int4: "int8",
  uint8: "int8",
  quantized: "int8",
} as const;

/** The options of loading any model, for the declarations of the encoders. */
export const loadRules = declareOptions<LoadOptions>()({
  maxSeqLength: count(),
  prompts: rule(checkPrompts),
  defaultPromptName: text(),
  dtype: oneOf(dtypes, dtypesElsewhere).default("fp32"),
  ...sourceRules,
  fileName: text(),
  device: rule((value) => (value === "auto" ? "auto" : parseDevice(value).name)).default("auto"),
  workers: count({ maximum: mostThreads }),
  threads: count({ maximum: mostThreads }),
}).rules;

/** {@link LoadOptions}, checked, with their defaults. */
export type CheckedLoadOptions = CheckedOptions<typeof loadRules>;

/**
 * The model that a caller named, by a path, a name on the hub, or an address of either.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function checkModelName(call: string, model: unknown): ModelAddress {
  if (model instanceof URL) return readModelAddress(call, model.href);
  if (typeof model === "string" && model !== "") return readModelAddress(call, model);
  throw invalidArgument(
    `${call}: expected the path of a model folder or the name of a model on the hub, received ${received(model)}.`,
  );
}

/**
 * The refusal of `new SparseEncoder(…)`, which other languages have: in JavaScript it could not wait for the files.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function refuseNew(name: string, model: unknown): void {
  if (typeof model === "object" && model !== null && "description" in model) return;
  const shown = model === undefined ? "" : received(model);
  throw invalidArgument(`${name} is loaded, not made by new: await ${name}.load(${shown}).`);
}

function checkPrompts(prompts: unknown, name: string): Readonly<Record<string, string>> {
  const entries =
    typeof prompts === "object" && prompts !== null && !Array.isArray(prompts)
      ? Object.entries(prompts)
      : undefined;
  if (entries === undefined || entries.some(([, prompt]) => typeof prompt !== "string")) {
    throw invalidArgument(`${name} must map names to strings, received ${received(prompts)}.`);
  }
  return Object.fromEntries(entries);
}
