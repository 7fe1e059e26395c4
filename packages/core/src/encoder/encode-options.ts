import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import {
  abortSignal,
  type CheckedOptions,
  callback,
  count,
  declareOptions,
  oneOf,
  rule,
  text,
} from "../options/index.ts";
import { type Device, parseDevice } from "../runtime/index.ts";
import { EncoderPool } from "./encoder-pool.ts";

/** Most devices of a pool. Far more than any machine has; a list made wrong must not take all memory. */
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
  /** Texts per second since the call began. */
  readonly textsPerSecond: number;
  /** Texts so far that were longer than the longest input; their rest was left out. */
  readonly cutTexts: number;
}

/** What an encode call did, from `statisticsOf`. */
export interface EncodeStatistics {
  /** Texts of the call. */
  readonly texts: number;
  /** Texts that were longer than `maxSeqLength` tokens; their rest was left out. */
  readonly cutTexts: number;
  /** Tokens that were embedded: special tokens and prompts count. */
  readonly tokens: number;
}

/** Options of every encode method. */
export interface EncodeOptions {
  /** Most texts in one run of the model. Default 32, on a graphics processor 1,024. Batches are also limited in tokens. */
  readonly batchSize?: number | undefined;
  /** Workers that {@link EncoderPool} holds, in place of the model's own. */
  readonly pool?: EncoderPool | undefined;
  /** Device or devices of a pool that is started only for this call, such as `["cuda:0", "cuda:1"]` or `["cpu", "cpu"]`. */
  readonly device?: string | readonly string[] | undefined;
  /**
   * Texts that one worker gets at a time. Default: a batch at a time, which shares the work most evenly. Larger
   * chunks cost fewer messages.
   */
  readonly chunkSize?: number | undefined;
  /** Text put in front of each text, without a blank between. `""` turns a default prompt off. */
  readonly prompt?: string | undefined;
  /** Name of a prompt of the model, put in front of each text. `prompt` goes before it. */
  readonly promptName?: string | undefined;
  /** Stops the call between two batches with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch. An error that it throws fails the call. */
  readonly onProgress?: ((progress: EncodeProgress) => void) | undefined;
}

/** What `encodeStream` takes beside the options of the other encode methods. */
export interface StreamOptions {
  /** Embeds the texts as `encodeQuery` or `encodeDocument` does. Default: as `encode`. */
  readonly task?: "query" | "document" | undefined;
}

const promptText = rule((value, name) => {
  if (typeof value === "string") return value;
  throw invalidArgument(`${name} must be a string, received ${received(value)}.`);
});

/** The options of every encode method, for the declarations of the encoders. */
export const encodeRules = declareOptions<EncodeOptions>()({
  batchSize: count(),
  pool: rule((value, name) => {
    if (value instanceof EncoderPool) return value;
    throw invalidArgument(`${name} must come from startPool of this model, received ${received(value)}.`);
  }),
  device: rule((value, name) => parseDevices(value, name).map((device) => device.name)),
  chunkSize: count(),
  prompt: promptText,
  promptName: text(),
  signal: abortSignal(),
  onProgress: callback<(progress: EncodeProgress) => void>(),
}).rules;

/** `StreamOptions`, for the declarations of the encoders. */
export const streamRules = declareOptions<StreamOptions>()({ task: oneOf(["query", "document"]) }).rules;

/** Options of one encode call, checked; the encoder of the call adds what it does with the rows. */
export interface EncodeRequest<Matrix> extends CheckedOptions<typeof encodeRules> {
  /** Keep at most this many dims of each row; 0 for no limit. */
  readonly maxActiveDims: number;
  /** The last step on the rows of a call, or on the rows of a window of a stream. */
  readonly finish: (matrix: Matrix) => Matrix;
  /** Of `encodeStream`. */
  readonly task?: "query" | "document" | undefined;
}

/** Options of `splitText`. */
export interface SplitOptions extends Pick<EncodeOptions, "prompt" | "promptName" | "signal"> {
  /** Most tokens of a piece, prompt and special tokens included. Default: the longest input of documents. */
  readonly maxTokens?: number | undefined;
  /** Most tokens at the start of a piece that repeat the end of the piece before. Default 0. */
  readonly overlap?: number | undefined;
}

export const splitOptions = declareOptions<SplitOptions>()({
  maxTokens: count(),
  overlap: count({ minimum: 0 }).default(0),
  prompt: promptText,
  promptName: text(),
  signal: abortSignal(),
});

/** Options of `tokenize`. */
export const tokenizeOptions = declareOptions<Pick<EncodeOptions, "prompt" | "promptName">>()({
  prompt: promptText,
  promptName: text(),
});

/**
 * Devices of a pool, one worker each.
 * @param option what the caller calls them, for the message
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function parseDevices(devices: unknown, option = "devices"): Device[] {
  const names: unknown[] = typeof devices === "string" ? [devices] : Array.isArray(devices) ? devices : [];
  if (names.length === 0 || names.length > mostDevices) {
    throw invalidArgument(
      `${option} must be an array of 1 to ${mostDevices} device names such as ["cpu", "cpu"], received ${received(devices)}.`,
    );
  }
  return names.map(parseDevice);
}

/**
 * The text that goes in front of each text.
 * @param fallback the prompt of the method when the call names none
 */
export function choosePrompt(
  { prompt, promptName }: Pick<EncodeOptions, "prompt" | "promptName">,
  prompts: Readonly<Record<string, string>>,
  fallback: string | undefined,
): string {
  if (prompt !== undefined) return prompt;
  const name = promptName ?? fallback;
  return name === undefined ? "" : promptNamed("promptName", name, prompts);
}

/** The prompt of that name. */
export function promptNamed(option: string, name: string, prompts: Readonly<Record<string, string>>): string {
  if (!Object.hasOwn(prompts, name)) {
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
      `${call}: expected a string or an array of strings, received ${received(texts)}.`,
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
