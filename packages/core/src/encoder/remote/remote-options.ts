import type { SecureContextOptions } from "node:tls";
import { invalidArgument, received } from "../../errors.ts";
import { abortSignal, count, declareOptions, flag, rule, text } from "../../options/index.ts";
import { type SimilarityFunction, similarityRule } from "../../vector/index.ts";
import { type EncodeOptions, encodeRules, type StreamOptions, streamRules } from "../encode-options.ts";

/** How the certificate of a server is checked, and which one the client shows. As the options of Node of these names. */
export type RemoteTlsOptions = Pick<SecureContextOptions, "ca" | "cert" | "key" | "passphrase">;

/** Options of {@link RemoteSparseEncoder.open} and {@link RemoteDenseEncoder.open}. */
export interface RemoteEncoderOptions {
  /** Sent as `Authorization: Bearer <key>`. Default: none. A user and a password in an address are sent as they are elsewhere. */
  readonly apiKey?: string | undefined;
  /** TLS options of Node for `https` addresses, such as `{ ca }` for a private certificate authority. */
  readonly tls?: RemoteTlsOptions | undefined;
  /** Width of an embedding. Needed for servers that do not tell it, as text-embeddings-inference does not for sparse models. */
  readonly dimension?: number | undefined;
  /** Most texts of a request. Default 32, or fewer if the server takes fewer. Requests of long texts have fewer, so that bodies stay below 2 MB. */
  readonly batchSize?: number | undefined;
  /** Most requests under way at once on each server, by all calls together. Default 4. */
  readonly parallel?: number | undefined;
  /** Milliseconds for each try of a request. Default 60,000. */
  readonly timeout?: number | undefined;
  /** Further tries of a request on each server, after a lost connection or an overload. Default 5. */
  readonly retries?: number | undefined;
  /** Name of the prompt of the server's model for queries. Default: none; a server of this library has the prompt of the task used anyway. */
  readonly queryPromptName?: string | undefined;
  /** Name of the prompt of the server's model for documents. */
  readonly documentPromptName?: string | undefined;
  /** How {@link RemoteSparseEncoder.similarity} compares. Default: what the server names, else `dot` for sparse and `cosine` for dense embeddings. */
  readonly similarity?: SimilarityFunction | undefined;
  /** Ends opening with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link RemoteSparseEncoder.open}. */
export interface RemoteSparseEncoderOptions extends RemoteEncoderOptions {
  /** Keep only this many dims of largest absolute weight of each embedding. Default: all that the server gives. */
  readonly maxActiveDims?: number | undefined;
  /**
   * Names of dims, by their index, for servers that do not tell them: the lines of the model's `vocab.txt`. Its length is then the
   * default of `dimension`.
   */
  readonly vocabulary?: readonly string[] | undefined;
}

/**
 * Options of one call, as of an encoder of this machine. `batchSize` is the most texts of a request. With `prompt`, a server of this
 * library leaves the prompt of its model out; another server gets the texts with it in front. `promptName` is a prompt of the
 * server's model, in place of the encoder's own. `onProgress` is called after each request; it counts no cut texts, as servers do
 * not tell them.
 */
export interface RemoteEncodeOptions
  extends Pick<EncodeOptions, "batchSize" | "prompt" | "promptName" | "signal" | "onProgress"> {}

/** Options of one call of a {@link RemoteSparseEncoder}. */
export interface RemoteSparseEncodeOptions extends RemoteEncodeOptions {
  /** Keep only this many dims of largest absolute weight of each embedding. Default: the encoder's own limit. */
  readonly maxActiveDims?: number | undefined;
}

/** Options of one call of a {@link RemoteDenseEncoder}. */
export interface RemoteDenseEncodeOptions extends RemoteEncodeOptions {
  /** Scale each vector to length 1. Default: as the model does it on a server of this library, and true on another one. */
  readonly normalize?: boolean | undefined;
}

/** Far more than a server takes; a number typed wrong must not open thousands of connections. */
const mostParallel = 256;

const tlsRule = rule((value, name) => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as RemoteTlsOptions;
  // Not shown: it may hold a key.
  throw invalidArgument(`${name} must be an object of Node's TLS options such as { ca }.`);
});

const keyRule = rule((value, name) => {
  // Neither a wrong key nor a header that it is part of may reach a message.
  if (typeof value === "string" && /^[\x21-\x7e]+$/.test(value)) return value;
  throw invalidArgument(`${name} must be a string of printable ASCII characters without blanks.`);
});

export const remoteOptions = declareOptions<RemoteEncoderOptions>()({
  apiKey: keyRule,
  tls: tlsRule,
  dimension: count({ maximum: 2 ** 32 - 1 }),
  batchSize: count().default(32),
  parallel: count({ maximum: mostParallel }).default(4),
  timeout: count({ maximum: 2 ** 31 - 1 }).default(60_000),
  retries: count({ minimum: 0 }).default(5),
  queryPromptName: text(),
  documentPromptName: text(),
  similarity: similarityRule,
  signal: abortSignal(),
});

/** {@link RemoteEncoderOptions}, checked. */
export type CheckedRemoteOptions = ReturnType<typeof remoteOptions.check>;

export const remoteSparseOptions = declareOptions<RemoteSparseEncoderOptions>()({
  ...remoteOptions.rules,
  maxActiveDims: count(),
  vocabulary: rule((value, name) => {
    const isList =
      Array.isArray(value) && value.length > 0 && value.every((piece) => typeof piece === "string");
    if (isList) return value as readonly string[];
    throw invalidArgument(`${name} must be an array of strings, one per dim, received ${received(value)}.`);
  }),
});

const { batchSize, prompt, promptName, signal, onProgress } = encodeRules;
const callOptions = declareOptions<RemoteEncodeOptions>()({
  batchSize,
  prompt,
  promptName,
  signal,
  onProgress,
});

/** {@link RemoteEncodeOptions}, checked. */
export type CheckedRemoteCall = ReturnType<typeof callOptions.check> & StreamOptions;

export const sparseCallOptions = declareOptions<RemoteSparseEncodeOptions>()({
  ...callOptions.rules,
  maxActiveDims: count(),
});

export const sparseStreamOptions = declareOptions<RemoteSparseEncodeOptions & StreamOptions>()({
  ...sparseCallOptions.rules,
  ...streamRules,
});

export const denseCallOptions = declareOptions<RemoteDenseEncodeOptions>()({
  ...callOptions.rules,
  normalize: flag(),
});

export const denseStreamOptions = declareOptions<RemoteDenseEncodeOptions & StreamOptions>()({
  ...denseCallOptions.rules,
  ...streamRules,
});
