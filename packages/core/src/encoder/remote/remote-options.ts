import { invalidArgument, received } from "../../errors.ts";
import { abortSignal, count, declareOptions, rule, text } from "../../options/index.ts";

/** Options of {@link RemoteSparseEncoder.open} and {@link RemoteDenseEncoder.open}. */
export interface RemoteEncoderOptions {
  /** Sent as `Authorization: Bearer <key>`. Default: none. */
  readonly apiKey?: string | undefined;
  /** Width of an embedding. Needed for servers that do not tell it, as text-embeddings-inference does not for sparse models. */
  readonly dimension?: number | undefined;
  /** Texts of a request. Default 32, or fewer if the server takes fewer. */
  readonly batchSize?: number | undefined;
  /** Requests under way at once. Default 4. */
  readonly parallel?: number | undefined;
  /** Milliseconds for each try of a request. Default 60,000. */
  readonly timeout?: number | undefined;
  /** Further tries of a request that met a lost connection or an overloaded server. Default 5. */
  readonly retries?: number | undefined;
  /** Name of the prompt of the server's model for queries. Default: none; a server of this library has the prompt of the task used anyway. */
  readonly queryPromptName?: string | undefined;
  /** Name of the prompt of the server's model for documents. */
  readonly documentPromptName?: string | undefined;
  /** Keep only this many weights of each sparse embedding. Default: all that the server gives. */
  readonly maxActiveDims?: number | undefined;
  /** Ends opening with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of one call. */
export interface RemoteEncodeOptions {
  /** Texts of a request, in place of the encoder's own number. */
  readonly batchSize?: number | undefined;
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

/** Far more than a server takes; a number typed wrong must not open thousands of connections. */
const mostParallel = 256;

export const remoteOptions = declareOptions<RemoteEncoderOptions>()({
  apiKey: text(),
  dimension: count({ maximum: 2 ** 32 - 1 }),
  batchSize: count().default(32),
  parallel: count({ maximum: mostParallel }).default(4),
  timeout: count({ maximum: 2 ** 31 - 1 }).default(60_000),
  retries: count({ minimum: 0 }).default(5),
  queryPromptName: text(),
  documentPromptName: text(),
  maxActiveDims: count(),
  signal: abortSignal(),
});

export const remoteCallOptions = declareOptions<RemoteEncodeOptions>()({
  batchSize: count(),
  signal: abortSignal(),
});

const serverUrl = rule((value, name) => {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw invalidArgument(
    `${name} must be an address such as http://localhost:8080, received ${received(value)}.`,
  );
}).required();

/** The address of a server, with a path that ends in a slash. */
export function parseServerUrl(call: string, value: unknown): URL {
  const url = serverUrl.check(value, `${call}: url`);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
