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
import type { OpenSearchConnection } from "./opensearch-client.ts";
import type { OpenSearchServer, ResolvedOpenSearchOptions } from "./opensearch-options.ts";
import { missingPlugin, pluginAdvice } from "./opensearch-server.ts";

/**
 * A client of its own for a store.
 * @throws SparseEncoderError `MISSING_PACKAGE`
 */
async function connect(
  { url, auth, tls }: OpenSearchServer,
  { timeout }: Pick<ResolvedOpenSearchOptions, "timeout">,
): Promise<OpenSearchConnection> {
  const { Client } = await import(
    /* webpackIgnore: true */ /* @vite-ignore */ "@opensearch-project/opensearch"
  ).catch(notInstalled("An OpenSearchStore", "@opensearch-project/opensearch"));
  const client = new Client({
    nodes: typeof url === "string" ? [url] : [...url!],
    requestTimeout: timeout,
    maxRetries: 0,
    ...(auth === undefined ? {} : { auth: { ...auth } }),
    ...(tls === undefined ? {} : { ssl: tls }),
  });
  return client;
}

/** What requests depend on. */
export type RequestRules = Pick<ResolvedOpenSearchOptions, "retries" | "timeout" | "dialect">;

/** How a client is come by, and asked. */
export function openingOf(
  options: OpenSearchServer,
  checked: RequestRules,
): EngineOpening<OpenSearchConnection> {
  return {
    rules: rulesOf(checked, options.auth?.password),
    client: options.client,
    connect: () => connect(options, checked),
    disconnect: (client) => client.close(),
  };
}

/** How requests are made, and what their errors become. */
export function rulesOf(
  { retries, timeout, dialect: { store } }: RequestRules,
  secret: string | undefined,
): EngineRules {
  const secrets = secret === undefined ? [] : [secret];
  return { retries, mayPass, askedWait, toFailure: (error) => failure(store, error, secrets, timeout) };
}

/** By the header of the answer, if there was one. */
function askedWait(error: unknown): number | undefined {
  const { headers } = error as { headers?: Readonly<Record<string, unknown>> | null };
  return retryAfter(headers?.["retry-after"]);
}

function mayPass(error: unknown): boolean {
  const { statusCode, name } = error as { statusCode?: unknown; name?: unknown };
  return (
    [429, 502, 503, 504].includes(Number(statusCode)) ||
    name === "ConnectionError" ||
    name === "NoLivingConnectionsError" ||
    isConnectionFailure(error)
  );
}

/** What a node without an elected manager says. Asked for its version, it gives that, with the status 503. */
const withoutManager =
  /no cluster.manager|cluster_manager_not_discovered|master_not_discovered|no master|state not recovered/;

function failure(
  store: string,
  error: unknown,
  secrets: readonly string[],
  timeout: number,
): SparseEncoderError {
  const { statusCode, body, name } = error as {
    statusCode?: unknown;
    body?: { error?: { type?: unknown; reason?: unknown }; version?: unknown };
    name?: unknown;
  };
  // The client's message is only the type of the error, or says nothing if the answer has none.
  const reason = body?.error?.reason ?? body?.error?.type;
  const said = messageOf(error, secrets);
  const what = said === "Response Error" ? `the server answered with the status ${String(statusCode)}` : said;
  const parts = [what, ...(typeof reason === "string" ? [reason] : [])];
  const text = messageOf(new Error(parts.join(": ")), secrets);
  const advice = adviceOf(
    [
      ...blockAdvice(text),
      certificateAdvice(error, "give its certificate in tls: { ca }"),
      [
        withoutManager.test(text) || (statusCode === 503 && body?.version !== undefined),
        "The cluster has no quorum of its managers: start the nodes that are missing; the call may be made again.",
      ],
      [missingPlugin.test(text), pluginAdvice],
      [/no such index/.test(text), goneAdvice("index")],
      [statusCode === 401 || statusCode === 403, "Check auth, and what the user may do."],
      [
        name === "TimeoutError",
        `${timeoutAdvice(timeout)} A cluster that lost nodes waits for them with writes.`,
      ],
    ],
    mayPass(error),
  );
  // The client's error holds the request, with its password.
  return storeFailed(store, text, advice, new Error(text));
}

/** What to do about an index that takes no writes. */
export function blockAdvice(reason: string): (readonly [applies: boolean, advice: string])[] {
  return [
    [/flood-stage/.test(reason), "The disk of a node is full: make room, then call again."],
    [/blocked by: \[FORBIDDEN/.test(reason), "The index takes no writes: lift its block."],
  ];
}
