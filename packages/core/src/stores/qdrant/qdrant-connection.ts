import type { SparseEncoderError } from "../../errors.ts";
import type { EngineOpening } from "../engine/engine-client.ts";
import {
  adviceOf,
  type EngineRules,
  retryAfter,
  storeFailed,
  timeoutAdvice,
} from "../engine/engine-requests.ts";
import { certificateAdvice, isConnectionFailure, messageOf } from "../engine/network-failure.ts";
import { notInstalled } from "../engine/optional-package.ts";
import { goneAdvice } from "../store-alias.ts";
import type { QdrantConnection } from "./qdrant-client.ts";
import type { QdrantServer, ResolvedQdrantOptions } from "./qdrant-options.ts";

/**
 * A client of its own for a store.
 * @throws SparseEncoderError `MISSING_PACKAGE`
 */
async function connect(
  { url, apiKey }: QdrantServer,
  { timeout }: Pick<ResolvedQdrantOptions, "timeout">,
): Promise<QdrantConnection> {
  const { QdrantClient } = await import(
    /* webpackIgnore: true */ /* @vite-ignore */ "@qdrant/js-client-rest"
  ).catch(notInstalled("A QdrantStore", "@qdrant/js-client-rest"));
  const client = new QdrantClient({
    url: url!,
    timeout,
    // It would print a warning, and ask the server before anything else.
    checkCompatibility: false,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  return client;
}

/** How a client is come by, and asked. */
export function openingOf(
  options: QdrantServer,
  checked: Pick<ResolvedQdrantOptions, "retries" | "timeout">,
): EngineOpening<QdrantConnection> {
  return {
    rules: rulesOf(checked, options.apiKey),
    client: options.client,
    connect: () => connect(options, checked),
    // The client keeps no connection that has to be ended.
    disconnect: async () => {},
  };
}

/** How requests are made, and what their errors become. */
function rulesOf(
  { retries, timeout }: Pick<ResolvedQdrantOptions, "retries" | "timeout">,
  apiKey: string | undefined,
): EngineRules {
  const secrets = apiKey === undefined ? [] : [apiKey];
  const askedWait = (error: unknown) => retryAfter((error as { retry_after?: unknown }).retry_after);
  return { retries, mayPass, askedWait, toFailure: (error) => failure(error, secrets, timeout) };
}

/** Too many requests, a server that starts or is overloaded, and lost connections. */
function mayPass(error: unknown): boolean {
  const { status } = error as { status?: unknown };
  if (isRefusedForNow(error)) return true;
  return [429, 500, 502, 503, 504].includes(Number(status)) || isConnectionFailure(error);
}

/**
 * The client's errors for a status 429 with a header `Retry-After`: they have no status. It reads one character of the header, so a
 * wait of 12 seconds is 1 second to it, and a date is a fault.
 */
function isRefusedForNow(error: unknown): boolean {
  const { retry_after: wait, message } = error as { retry_after?: unknown; message?: unknown };
  return (
    wait !== undefined || (typeof message === "string" && message.startsWith("Invalid retryAfter value"))
  );
}

function failure(error: unknown, secrets: readonly string[], timeout: number): SparseEncoderError {
  const { status, data, name } = error as {
    status?: unknown;
    data?: { status?: { error?: unknown } };
    name?: unknown;
  };
  const reason = typeof data?.status?.error === "string" ? data.status.error : "";
  const certificate = certificateAdvice(error, "name the file of its certificate in NODE_EXTRA_CA_CERTS");
  // Of a certificate, the client says no more than that the request failed.
  const cause = certificate[0] ? messageOf((error as { cause?: unknown }).cause, secrets) : "";
  const text = messageOf(
    new Error([messageOf(error, secrets), reason, cause].filter((part) => part !== "").join(": ")),
    secrets,
  );
  const advice = adviceOf(
    [
      certificate,
      [status === 401 || status === 403, "Check the apiKey, and what it may do."],
      [/Collection .* doesn't exist/.test(reason), goneAdvice("collection")],
      [/no space left/i.test(reason), "The server's disk is full: make room, then call again."],
      [name === "QdrantClientTimeoutError", timeoutAdvice(timeout)],
    ],
    mayPass(error),
  );
  // The client's error holds the request, with its key.
  return storeFailed("qdrant", text, advice, new Error(text));
}
