import { SparseEncoderError, type SparseEncoderErrorCode } from "../../errors.ts";
import type { HttpAnswer } from "./http-exchange.ts";

/** Characters of a server's answer that stand in a message. */
const shownAnswer = 200;

/** Characters of a key that is taken out of messages: a shorter one is part of many words. */
const shortestSecret = 6;

/** Longest time in milliseconds that a server's `Retry-After` is followed. */
const longestRetryAfter = 60_000;

/** Answers that say to try again: an overload, and a proxy without its server. */
const passingStatuses = [429, 502, 503, 504];

/** Answers of a machine that may be broken, where another one is not: its own errors, and inference that failed. */
const machineStatuses = [424, 500];

/** A request that may be answered by a later try, or by another server. */
export class PassingFailure extends SparseEncoderError {
  /** Milliseconds that the server asks to wait. */
  readonly wait: number;
  /** True if only another server may do better. */
  readonly needsAnother: boolean;

  constructor(
    code: SparseEncoderErrorCode,
    message: string,
    {
      wait = 0,
      needsAnother = false,
      cause,
    }: { wait?: number; needsAnother?: boolean; cause?: unknown } = {},
  ) {
    super(code, message, { cause });
    this.wait = wait;
    this.needsAnother = needsAnother;
  }
}

/** The error for an answer that is not of the documented shape. */
export function invalidAnswer(address: URL, problem: string, cause?: unknown): SparseEncoderError {
  return new SparseEncoderError("REMOTE_INVALID", `${address.href} answered with what is ${problem}.`, {
    cause,
  });
}

/** The error for a connection that was lost, or that could not be made. */
export function lostConnection({ origin }: URL, cause: unknown): SparseEncoderError {
  const reason = cause instanceof Error ? reasonOf(cause) : String(cause);
  const isCertificate = /CERT|SELF_SIGNED|altnames|certificate/i.test(reason);
  const advice = isCertificate
    ? " If a private authority signed the certificate, give its own in tls: { ca }; the address must have the name that the certificate is for."
    : "";
  const message = `${origin} cannot be reached: ${reason}.${advice}`;
  return isCertificate
    ? new SparseEncoderError("NETWORK", message, { cause })
    : new PassingFailure("NETWORK", message, { cause });
}

/** An error of several addresses of one name has no message of its own. */
function reasonOf(error: Error & { code?: unknown; errors?: readonly Error[] }): string {
  if (error.message !== "") return error.message;
  return error.errors?.map(({ message }) => message).join("; ") ?? String(error.code);
}

/** The error for an answer that is no success. */
export function refusal(
  { href }: URL,
  { status, headers, text }: HttpAnswer,
  secrets: readonly string[],
): SparseEncoderError {
  let said = messageOf(text);
  // A server may show what it was sent.
  for (const secret of secrets) if (secret.length >= shortestSecret) said = said.replaceAll(secret, "***");
  const moved =
    status >= 300 && status < 400 ? "a redirect, which is not followed" : said.slice(0, shownAnswer);
  const message = `${href} answered ${status}: ${moved}`;
  if (passingStatuses.includes(status)) {
    return new PassingFailure("NETWORK", message, { wait: askedWait(headers["retry-after"]) });
  }
  if (machineStatuses.includes(status)) {
    return new PassingFailure("REMOTE_REFUSED", message, { needsAnother: true });
  }
  return new SparseEncoderError("REMOTE_REFUSED", message);
}

/** Milliseconds of a `Retry-After`, which has seconds or a date. */
function askedWait(value: string | undefined): number {
  if (value === undefined) return 0;
  const seconds = Number(value);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(0, wait), longestRetryAfter) : 0;
}

/** What an answer says went wrong, as text-embeddings-inference or OpenAI would say it. */
function messageOf(text: string): string {
  try {
    const { error, message } = JSON.parse(text) as {
      error?: string | { message?: string };
      message?: string;
    };
    const said = typeof error === "string" ? error : (error?.message ?? message);
    if (typeof said === "string") return said;
  } catch {
    // The answer of a proxy, which is no JSON.
  }
  return text;
}
