import { invalidArgument, received } from "../../errors.ts";
import { checkOptionNames } from "../../options/index.ts";
import {
  checkEngineOptions,
  checkOneOf,
  checkTls,
  type ResolvedEngineOptions,
} from "../engine/engine-options.ts";
import type { VectorSchema } from "../store.ts";
import type { MilvusConnection } from "./milvus-client.ts";

/** How much of what was written a read must see. */
export type MilvusConsistency = "Strong" | "Session" | "Bounded" | "Eventually";

const levels: readonly MilvusConsistency[] = ["Strong", "Session", "Bounded", "Eventually"];

/** Options of `MilvusStore.open`. One of `address` and `client` says where the server is. */
export interface MilvusStoreOptions {
  /** A server, cluster or cloud endpoint, such as `localhost:19530`. Needs the package `@zilliz/milvus2-sdk-node`. */
  readonly address?: string | undefined;
  /** A `MilvusClient`. It stays open when the store is closed. */
  readonly client?: MilvusConnection | undefined;
  /** An API key, or `user:password`. */
  readonly token?: string | undefined;
  /** TLS: `true`, or paths `{ rootCertPath, privateKeyPath, certChainPath, serverName }`. */
  readonly tls?: boolean | Readonly<Record<string, string>> | undefined;
  /** Name of the collection; made if missing. Default `documents`. */
  readonly collection?: string | undefined;
  /**
   * Name of a partition of the collection, to which the store keeps: it reads, writes and searches there alone. Made if
   * missing. Ids are of one partition. Default: the whole collection; what is stored goes into its default partition.
   */
  readonly partition?: string | undefined;
  /** Vectors by name. Needed to make the collection; none can be added later. */
  readonly vectors?: VectorSchema | undefined;
  /** A name of the model or models of the vectors, kept with them. */
  readonly model?: string | undefined;
  /** Default `Strong`: what was stored is found by all calls made after it. Others are faster and do not promise that. */
  readonly consistency?: MilvusConsistency | undefined;
  /** Milliseconds that a request may take. Default 60,000. */
  readonly timeout?: number | undefined;
  /** How often a request is tried again when the server cannot be reached. Default 5. */
  readonly retries?: number | undefined;
}

/** Options after they were checked. */
export interface ResolvedMilvusOptions extends ResolvedEngineOptions {
  readonly collection: string;
  readonly partition: string | undefined;
  readonly consistency: MilvusConsistency;
}

const call = "MilvusStore.open";

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkMilvusOptions(options: MilvusStoreOptions): ResolvedMilvusOptions {
  checkOptionNames(call, options, [
    "address",
    "client",
    "token",
    "tls",
    "collection",
    "partition",
    "vectors",
    "model",
    "consistency",
    "timeout",
    "retries",
  ]);
  const {
    address,
    client,
    token,
    tls,
    collection = "documents",
    partition,
    consistency = "Strong",
  } = options;
  checkOneOf(call, options, ["address", "client"]);
  if (address !== undefined && (typeof address !== "string" || !/^[^\s@]+$/.test(address))) {
    throw invalidArgument(
      `${call}: address must be one such as "localhost:19530"; a user and password go into token as "user:password".`,
    );
  }
  checkTls(tls, true);
  if (client !== undefined && (token !== undefined || tls !== undefined)) {
    throw invalidArgument(`${call}: token and tls belong to an address.`);
  }
  if (token !== undefined && (typeof token !== "string" || token === "")) {
    throw invalidArgument(`${call}: token must be a key or "user:password".`);
  }
  for (const [option, name] of Object.entries({
    collection,
    ...(partition === undefined ? {} : { partition }),
  })) {
    if (typeof name === "string" && /^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(name)) continue;
    throw invalidArgument(
      `${call}: ${option} must be 1 to 200 letters, digits and _, not beginning with a digit, received ${received(name)}.`,
    );
  }
  if (!levels.includes(consistency)) {
    throw invalidArgument(
      `${call}: consistency must be one of ${levels.join(", ")}, received ${received(consistency)}.`,
    );
  }
  return { ...checkEngineOptions(call, options), collection, partition, consistency };
}
