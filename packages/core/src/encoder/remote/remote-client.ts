import { Deadline, pause, withRetries } from "../../calls/index.ts";
import { received, SparseEncoderError } from "../../errors.ts";

/** How a server is asked. */
export interface RemoteClientOptions {
  readonly apiKey: string | undefined;
  readonly timeout: number;
  readonly retries: number;
}

/** Milliseconds before the second try. */
const firstDelay = 200;

/** Longest time in milliseconds that a server's `Retry-After` is followed. */
const longestRetryAfter = 60_000;

/** Characters of a server's answer that stand in a message. */
const shownAnswer = 200;

/** An answer that says to try again. */
class PassingFailure extends SparseEncoderError {
  /** Milliseconds that the server asks to wait. */
  readonly wait: number;

  constructor(message: string, wait: number, cause?: unknown) {
    super("NETWORK", message, { cause });
    this.wait = wait;
  }
}

/** Asks a server for JSON, with time limits and further tries. */
export class RemoteClient {
  readonly url: URL;
  private readonly options: RemoteClientOptions;

  constructor(url: URL, options: RemoteClientOptions) {
    this.url = url;
    this.options = options;
  }

  /**
   * @param path without a slash at its start
   * @param body sent as JSON by `POST`; undefined for `GET`
   * @throws SparseEncoderError `NETWORK`, `TIMEOUT`, `REMOTE_REFUSED`, `REMOTE_INVALID`, `ABORTED`
   */
  async ask(path: string, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const { retries } = this.options;
    return withRetries(
      { retries, delay: firstDelay },
      signal,
      (error) => error instanceof PassingFailure,
      async () => {
        using time = new Deadline(signal, this.options.timeout, `The request to ${this.url.origin}/${path}`);
        try {
          return await time.race((whole) => this.request(path, body, whole));
        } catch (error) {
          if (error instanceof PassingFailure && error.wait > 0) await pause(error.wait, signal);
          throw error;
        }
      },
    );
  }

  private async request(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const address = new URL(path, this.url);
    const { apiKey } = this.options;
    const headers = new Headers({ accept: "application/json" });
    if (apiKey !== undefined) headers.set("authorization", `Bearer ${apiKey}`);
    if (body !== undefined) headers.set("content-type", "application/json");
    const method = body === undefined ? "GET" : "POST";
    const init: RequestInit = { method, headers, signal, redirect: "error" };
    const response = await fetch(
      address,
      body === undefined ? init : { ...init, body: JSON.stringify(body) },
    ).catch((cause: unknown) => {
      throw signal.aborted ? cause : lost(address, cause);
    });
    const text = await response.text().catch((cause: unknown) => {
      throw signal.aborted ? cause : lost(address, cause);
    });
    if (!response.ok) throw refused(address, response, text);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw invalidAnswer(address, `not JSON: ${received(text.slice(0, shownAnswer))}`, cause);
    }
  }
}

/** The error for an answer that is not of the documented shape. */
export function invalidAnswer(address: URL, problem: string, cause?: unknown): SparseEncoderError {
  return new SparseEncoderError("REMOTE_INVALID", `${address.href} answered with what is ${problem}.`, {
    cause,
  });
}

function lost(address: URL, cause: unknown): PassingFailure {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? inner.message : String(inner);
  return new PassingFailure(`${address.origin} cannot be reached: ${reason}.`, 0, cause);
}

function refused(address: URL, { status, headers }: Response, text: string): SparseEncoderError {
  const message = `${address.href} answered ${status}: ${messageOf(text)}`;
  if (![429, 502, 503, 504].includes(status)) return new SparseEncoderError("REMOTE_REFUSED", message);
  const seconds = Number(headers.get("retry-after") ?? 0);
  return new PassingFailure(
    message,
    Number.isFinite(seconds) ? Math.min(seconds * 1000, longestRetryAfter) : 0,
  );
}

/** What an answer says went wrong, as text-embeddings-inference or OpenAI would say it. */
function messageOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: string | { message?: string } };
    const message = typeof error === "string" ? error : error?.message;
    if (message !== undefined) return message.slice(0, shownAnswer);
  } catch {
    // The answer of a proxy, which is no JSON.
  }
  return text.slice(0, shownAnswer);
}
