import {
  checkOptionNames,
  invalidArgument,
  positiveInteger,
  received,
  SparseEncoderError,
  throwIfAborted,
} from "../errors.ts";

/** How far a call has come. */
export interface EncodeProgress {
  /** Texts embedded so far. */
  readonly done: number;
  /** Texts of the call; undefined for a stream. */
  readonly total: number | undefined;
}

/** Options of every encode method. */
export interface EncodeOptions {
  /** Most texts in one run of the model. Default 32. Batches are also limited in tokens. */
  batchSize?: number;
  /** Keep only this many dims of largest absolute weight of each embedding. Default: the encoder's own. */
  maxActiveDims?: number;
  /** Text put in front of each text, without a blank between. `""` turns a default prompt off. */
  prompt?: string;
  /** Name of a prompt of the model, put in front of each text. `prompt` goes before it. */
  promptName?: string;
  /** Stops the call between two batches with an `ABORTED` error. */
  signal?: AbortSignal;
  /** Called after each batch. An error it throws fails the call. */
  onProgress?: (progress: EncodeProgress) => void;
}

const names: readonly (keyof EncodeOptions)[] = [
  "batchSize",
  "maxActiveDims",
  "prompt",
  "promptName",
  "signal",
  "onProgress",
];

/** Defaults of an encoder that an option overrides. */
export interface EncodeDefaults {
  readonly prompts: Readonly<Record<string, string>>;
  /** The prompt of this method when the call names none. */
  readonly promptName: string | undefined;
  readonly maxActiveDims: number | undefined;
}

/** Options of one call, checked and complete. */
export interface ResolvedEncodeOptions {
  readonly batchSize: number;
  /** 0 for no limit. */
  readonly maxActiveDims: number;
  readonly prompt: string;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: EncodeProgress) => void) | undefined;
}

/** @throws SparseEncoderError `UNKNOWN_OPTION`, `INVALID_ARGUMENT`, or `ABORTED` */
export function resolveEncodeOptions(
  call: string,
  options: EncodeOptions | undefined,
  defaults: EncodeDefaults,
): ResolvedEncodeOptions {
  checkOptionNames(call, options, names);
  const { batchSize, maxActiveDims, signal, onProgress } = options ?? {};
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalidArgument(`onProgress must be a function, received ${received(onProgress)}.`);
  }
  checkSignal(signal);
  return {
    batchSize: batchSize === undefined ? 32 : positiveInteger("batchSize", batchSize),
    maxActiveDims:
      maxActiveDims === undefined
        ? (defaults.maxActiveDims ?? 0)
        : positiveInteger("maxActiveDims", maxActiveDims),
    prompt: resolvePrompt(options ?? {}, defaults),
    signal,
    onProgress,
  };
}

/** Checks a signal and throws if it is already aborted. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument(`signal must be an AbortSignal, received ${received(signal)}.`);
  }
  throwIfAborted(signal);
}

function resolvePrompt(options: EncodeOptions, defaults: EncodeDefaults): string {
  const { prompt, promptName } = options;
  if (prompt !== undefined) {
    if (typeof prompt !== "string")
      throw invalidArgument(`prompt must be a string, received ${received(prompt)}.`);
    return prompt;
  }
  const name = promptName ?? defaults.promptName;
  if (name === undefined) return "";
  if (typeof name !== "string" || !Object.hasOwn(defaults.prompts, name)) {
    throw invalidArgument(
      `promptName must be one of ${Object.keys(defaults.prompts).join(", ")}, received ${received(name)}.`,
    );
  }
  return defaults.prompts[name]!;
}

/** @throws SparseEncoderError `INVALID_TEXT`, naming the position */
export function checkTexts(call: string, texts: readonly unknown[]): asserts texts is readonly string[] {
  // An index loop: holes of a sparse array count too.
  for (let position = 0; position < texts.length; position++) checkText(call, texts[position], position);
}

export function checkText(call: string, text: unknown, position: number): asserts text is string {
  if (typeof text === "string") return;
  throw new SparseEncoderError(
    "INVALID_TEXT",
    `${call}: the text at position ${position} must be a string, received ${received(text)}.`,
  );
}
