import type { SparseEncoderError } from "../../errors.ts";
import type { EngineOpening } from "../engine/engine-client.ts";
import { adviceOf, type EngineRules, storeFailed, timeoutAdvice } from "../engine/engine-requests.ts";
import { certificateAdvice, messageOf } from "../engine/network-failure.ts";
import { notInstalled } from "../engine/optional-package.ts";
import { goneAdvice } from "../store-alias.ts";
import type { MilvusConnection } from "./milvus-client.ts";
import type { MilvusStoreOptions, ResolvedMilvusOptions } from "./milvus-options.ts";

/**
 * A client of its own for a store.
 * @throws SparseEncoderError `MISSING_PACKAGE`
 */
async function connect(
  { address, token, tls }: MilvusStoreOptions,
  { timeout, retries }: RequestTimes,
): Promise<MilvusConnection> {
  const { MilvusClient } = await import(
    /* webpackIgnore: true */ /* @vite-ignore */ "@zilliz/milvus2-sdk-node"
  ).catch(notInstalled("A MilvusStore", "@zilliz/milvus2-sdk-node"));
  const client = new MilvusClient({
    address: address!,
    timeout,
    maxRetries: retries,
    logLevel: "error",
    // Only while calls wait: a server with gRPC's defaults ends connections that send such signs of life when idle.
    channelOptions: { "grpc.keepalive_permit_without_calls": 0 },
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { ssl: tls !== false, ...(typeof tls === "object" ? { tls } : {}) }),
  });
  // It connects by itself; a failure that nobody awaits would end the process. Each call finds it again.
  client.connectPromise.catch(() => {});
  return client;
}

type RequestTimes = Pick<ResolvedMilvusOptions, "timeout" | "retries">;

/** How a client is come by, and asked. */
export function openingOf(
  options: MilvusStoreOptions,
  checked: RequestTimes,
): EngineOpening<MilvusConnection> {
  return {
    rules: rulesOf(checked, options.token),
    client: options.client,
    connect: () => connect(options, checked),
    disconnect: (client) => client.closeConnection(),
  };
}

/** How requests are made. The client itself makes one again when the server cannot be reached, but not when it is overloaded. */
function rulesOf({ timeout, retries }: RequestTimes, token: string | undefined): EngineRules {
  const secrets = token === undefined ? [] : [token, ...token.split(":").slice(1)];
  return { retries, mayPass: isOverloaded, toFailure: (error) => failure(error, secrets, timeout) };
}

/** Codes of a server that limits its rate: of gRPC, and of Milvus before 2.3 and since. */
const overloadCodes = new Set(["RESOURCE_EXHAUSTED", "RateLimit", "8", "49"]);

/** Whether the server has too many requests. A message beyond the limit of gRPC has the same code and never passes. */
function isOverloaded(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  const text = messageOf(error);
  return (
    (overloadCodes.has(String(code)) || /RESOURCE_EXHAUSTED|rate limit exceeded/i.test(text)) &&
    !/larger than max|disk quota|memory quota/i.test(text)
  );
}

function mayPass(error: unknown): boolean {
  return isOverloaded(error) || /UNAVAILABLE|ECONN|connect/i.test(messageOf(error));
}

function failure(error: unknown, secrets: readonly string[], timeout: number): SparseEncoderError {
  const text = messageOf(error, secrets);
  // The client reads hits of an answer that has none when the server refused the search.
  const refused = error instanceof TypeError ? `the server refused the request (${text})` : text;
  const advice = adviceOf(
    [
      [/DEADLINE/.test(text), timeoutAdvice(timeout)],
      certificateAdvice(error, "name the file of its certificate in tls: { rootCertPath }"),
      [/auth|permission/i.test(text), "Check the token."],
      [/collection not found|can't find collection/i.test(text), goneAdvice("collection")],
      [/disk quota|no space left/i.test(text), "The server's disk is full: make room, then call again."],
    ],
    mayPass(error),
  );
  return storeFailed("milvus", refused, advice, secrets.length === 0 ? error : new Error(text));
}
