import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import { type Device, parseDevice } from "../runtime/index.ts";
import { EncoderPool } from "./encoder-pool.ts";

/** Far more than any machine has; a list made wrong must not take all memory. */
const mostDevices = 256;

/** How far a call has come. */
export interface Progress {
  /** Texts that are done. */
  readonly done: number;
  /** Texts of the call; undefined for a stream. */
  readonly total: number | undefined;
}

/** How far an encode call has come, and how fast. */
export interface EncodeProgress extends Progress {
  /** Texts a second since the call began. */
  readonly textsPerSecond: number;
}

/** Options of every encode method. */
export interface EncodeOptions {
  /** Most texts in one run of the model. Default 32. Batches are also limited in tokens. */
  batchSize?: number;
  /** Workers that {@link EncoderPool} holds, in place of the encoder's own. */
  pool?: EncoderPool;
  /** Device or devices of a pool that is started for this call alone, such as `["cuda:0", "cuda:1"]` or `["cpu", "cpu"]`. */
  device?: string | readonly string[];
  /**
   * Texts that are given to one worker at a time. Default: a batch at a time, which shares the work most evenly. Larger
   * chunks cost fewer messages.
   */
  chunkSize?: number;
  /** Text put in front of each text, without a blank between. `""` turns a default prompt off. */
  prompt?: string;
  /** Name of a prompt of the model, put in front of each text. `prompt` goes before it. */
  promptName?: string;
  /** Stops the call between two batches with an `ABORTED` error. */
  signal?: AbortSignal;
  /** Called after each batch. An error it throws fails the call. */
  onProgress?: (progress: EncodeProgress) => void;
}

/** Names of {@link EncodeOptions}. */
export const encodeOptionNames: readonly (keyof EncodeOptions)[] = [
  "batchSize",
  "pool",
  "device",
  "chunkSize",
  "prompt",
  "promptName",
  "signal",
  "onProgress",
];

/** Options of one call, checked and complete. */
export interface ResolvedEncodeOptions {
  readonly batchSize: number;
  readonly chunkSize: number | undefined;
  readonly pool: EncoderPool | undefined;
  /** Devices of a pool for this call; undefined for none. */
  readonly devices: readonly Device[] | undefined;
  readonly prompt: string;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: EncodeProgress) => void) | undefined;
}

/**
 * @param names the options that the method takes
 * @param prompts prompts by name
 * @param promptName the prompt of this method when the call names none
 * @throws SparseEncoderError `UNKNOWN_OPTION`, `INVALID_ARGUMENT`, or `ABORTED`
 */
export function resolveEncodeOptions(
  call: string,
  options: EncodeOptions | undefined,
  names: readonly string[],
  prompts: Readonly<Record<string, string>>,
  promptName: string | undefined,
): ResolvedEncodeOptions {
  checkOptionNames(call, options, names);
  const { batchSize, chunkSize, pool, device, signal, onProgress } = options ?? {};
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalidArgument(`onProgress must be a function, received ${received(onProgress)}.`);
  }
  checkSignal(signal);
  if (pool !== undefined && !(pool instanceof EncoderPool)) {
    throw invalidArgument(`pool must come from startPool of this encoder, received ${received(pool)}.`);
  }
  if (pool !== undefined && device !== undefined) {
    throw invalidArgument("Give a pool or devices, not both: a pool has its devices already.");
  }
  return {
    batchSize: batchSize === undefined ? 32 : positiveInteger("batchSize", batchSize),
    chunkSize: chunkSize === undefined ? undefined : positiveInteger("chunkSize", chunkSize),
    pool,
    devices: device === undefined ? undefined : parseDevices(device),
    prompt: resolvePrompt(options ?? {}, prompts, promptName),
    signal,
    onProgress,
  };
}

/**
 * Devices of a pool, one worker each.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function parseDevices(devices: unknown): Device[] {
  const names: unknown[] = typeof devices === "string" ? [devices] : Array.isArray(devices) ? devices : [];
  if (names.length === 0 || names.length > mostDevices) {
    throw invalidArgument(
      `Devices are an array of 1 to ${mostDevices} names such as ["cpu", "cpu"], received ${received(devices)}.`,
    );
  }
  return names.map(parseDevice);
}

/** Checks a signal and throws if it is already aborted. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument(`signal must be an AbortSignal, received ${received(signal)}.`);
  }
  throwIfAborted(signal);
}

/** Checks prompts by name, as an option at load. */
export function checkPrompts(prompts: unknown): void {
  if (prompts === undefined) return;
  const valid =
    typeof prompts === "object" &&
    prompts !== null &&
    !Array.isArray(prompts) &&
    Object.values(prompts).every((prompt) => typeof prompt === "string");
  if (!valid) throw invalidArgument(`prompts must map names to strings, received ${received(prompts)}.`);
}

function resolvePrompt(
  { prompt, promptName }: EncodeOptions,
  prompts: Readonly<Record<string, string>>,
  ownPromptName: string | undefined,
): string {
  if (prompt !== undefined) {
    if (typeof prompt !== "string")
      throw invalidArgument(`prompt must be a string, received ${received(prompt)}.`);
    return prompt;
  }
  const name = promptName ?? ownPromptName;
  return name === undefined ? "" : promptNamed("promptName", name, prompts);
}

/** The prompt of that name. */
export function promptNamed(
  option: string,
  name: unknown,
  prompts: Readonly<Record<string, string>>,
): string {
  if (typeof name !== "string" || !Object.hasOwn(prompts, name)) {
    const names = Object.keys(prompts).join(", ");
    throw invalidArgument(`${option} must be one of ${names}, received ${received(name)}.`);
  }
  return prompts[name]!;
}

/** @throws SparseEncoderError `INVALID_TEXT`, naming the position */
export function checkTexts(call: string, texts: unknown): asserts texts is readonly string[] {
  if (!Array.isArray(texts)) {
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `${call}: expected an array of strings, received ${received(texts)}.`,
    );
  }
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
