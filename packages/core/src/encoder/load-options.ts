import { invalidArgument, received } from "../errors.ts";
import type { ModelSourceOptions } from "../model/index.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import { parseDevice } from "../runtime/index.ts";
import { checkPrompts, checkSignal } from "./encode-options.ts";

/** Options of loading any model. */
export interface LoadOptions extends ModelSourceOptions {
  /** Longest input in tokens, special tokens included. Default: what the model says. */
  maxSeqLength?: number;
  /** Prompts by name, added to the model's or put in their place; `""` turns one off. */
  prompts?: Record<string, string>;
  /** Name of the prompt that plain `encode` uses. Default: the model's, if any. */
  defaultPromptName?: string;
  /**
   * Number format of the weights: `fp32`, or `int8`, which is faster and smaller and costs a little quality. The int8
   * weights are made at the first load and kept in `cacheDir`. Default `fp32`.
   */
  dtype?: "fp32" | "int8";
  /**
   * Where the model runs: `auto`, `cpu`, `cuda`, `cuda:<n>`, `dml`, `dml:<n>`, `webgpu` or `coreml`. `auto`, the default,
   * is CUDA where it was installed and opens, else the CPU; `describe()` says which. A device that is named is used or
   * refused.
   */
  device?: string;
  /**
   * Most worker threads, each with a session of its own over the same mapped weights; they start when there is work for
   * them. Default: the cores that this process may use, at most 8.
   */
  workers?: number;
  /**
   * CPU threads of each worker. Default: the cores of this process over the workers, at least 1; a batch that runs alone,
   * such as one query, then gets all of them.
   */
  threads?: number;
}

const dtypes: readonly string[] = ["fp32", "int8"];

/** Far more than cores; a number typed wrong must not take the memory of the machine. */
const mostThreads = 1024;

export const loadOptionNames: readonly (keyof LoadOptions)[] = [
  "maxSeqLength",
  "prompts",
  "defaultPromptName",
  "dtype",
  "revision",
  "token",
  "cacheDir",
  "localFilesOnly",
  "endpoint",
  "fileName",
  "onProgress",
  "device",
  "workers",
  "threads",
  "signal",
];

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` or `ABORTED` */
export function checkLoadArguments(
  call: string,
  model: unknown,
  options: LoadOptions,
  names: readonly string[],
): void {
  if (typeof model !== "string" || model === "") {
    throw invalidArgument(
      `${call}: expected the path of a model folder or the name of a model on the hub, received ${received(model)}.`,
    );
  }
  checkOptionNames(call, options, names);
  if (options.maxSeqLength !== undefined) positiveInteger("maxSeqLength", options.maxSeqLength);
  if (options.workers !== undefined) positiveInteger("workers", options.workers, mostThreads);
  if (options.threads !== undefined) positiveInteger("threads", options.threads, mostThreads);
  if (options.dtype !== undefined && !dtypes.includes(options.dtype)) {
    throw invalidArgument(`dtype must be one of ${dtypes.join(", ")}, received ${received(options.dtype)}.`);
  }
  if (options.device !== undefined && options.device !== "auto") parseDevice(options.device);
  for (const name of ["cacheDir", "fileName"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw invalidArgument(`${name} must be a path, received ${received(value)}.`);
    }
  }
  checkPrompts(options.prompts);
  checkSignal(options.signal);
}
