import { throwIfAborted, withRetries } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";

/** How a store asks its engine. */
export interface EngineRules {
  /** Tries after the first one. */
  readonly retries: number;
  /** Whether another try may do better. */
  readonly mayPass: (error: unknown) => boolean;
  /** Milliseconds that the server asks to wait before another try. */
  readonly askedWait?: ((error: unknown) => number | undefined) | undefined;
  /** The error of this library for one of the client. */
  readonly toFailure: (error: unknown) => SparseEncoderError;
}

/** Milliseconds before the second try. */
const firstDelay = 200;

/** Makes a request: again where that may help; what it throws are errors of this library. */
export async function attempt<Result>(
  { retries, mayPass, askedWait, toFailure }: EngineRules,
  signal: AbortSignal | undefined,
  request: () => Promise<Result>,
): Promise<Result> {
  try {
    throwIfAborted(signal);
    return await withRetries({ retries, delay: firstDelay, askedWait }, signal, mayPass, request);
  } catch (error) {
    throw SparseEncoderError.is(error) ? error : toFailure(error);
  }
}

/** Milliseconds of a `Retry-After`: a number of seconds, or a date; undefined for anything else. */
export function retryAfter(value: unknown): number | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const seconds = Number(value);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(`${value}`) - Date.now() : 1000 * seconds;
  return milliseconds > 0 ? milliseconds : undefined;
}

/** What one request may hold. */
export interface RequestSize {
  /** Items. */
  readonly count: number;
  /** Bytes of JSON; a single item may have more. */
  readonly bytes: number;
}

/** Parts of `items` that one request may hold. */
export function* toRequests<Item>(items: Iterable<Item>, { count, bytes }: RequestSize): Generator<Item[]> {
  let part: Item[] = [];
  let length = 0;
  for (const item of items) {
    const own = Buffer.byteLength(JSON.stringify(item));
    if (part.length > 0 && (part.length >= count || length + own > bytes)) {
      yield part;
      part = [];
      length = 0;
    }
    part.push(item);
    length += own;
  }
  if (part.length > 0) yield part;
}

/** The error for a failure of an engine. */
export function storeFailed(store: string, what: string, advice: string, cause: unknown): SparseEncoderError {
  return new SparseEncoderError("STORE_FAILED", `The ${store} store failed: ${what}. ${advice}`.trim(), {
    cause,
  });
}

/**
 * What to do about a failure, for the end of a message; nothing if it is not known.
 * @param known the first that applies is taken
 * @param mayPass whether another try may do better
 */
export function adviceOf(
  known: readonly (readonly [applies: boolean, advice: string])[],
  mayPass: boolean,
): string {
  return (
    known.find(([applies]) => applies)?.[1] ??
    (mayPass ? "Check that the server runs and can be reached; the call may be made again." : "")
  );
}

/** For a request that was not answered in time. */
export function timeoutAdvice(milliseconds: number): string {
  return `No answer came within the ${milliseconds} ms of the option timeout: raise it, or see what slows the server.`;
}
