import { invalidArgument, received } from "../../errors.ts";
import { type CheckedOptions, declareOptions, oneOf, rule, unchecked } from "../../options/index.ts";
import {
  checkOneOf,
  checkTls,
  engineRules,
  type ResolvedEngineOptions,
  resolveEngineOptions,
  serverTimes,
  tenantRules,
} from "../engine/engine-options.ts";
import type { VectorSchema } from "../store.ts";
import { type AliasTarget, checkAliasNames } from "../store-alias.ts";
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
  /**
   * Name of the collection, or of an alias of one; a collection is made if missing. A store keeps to the collection that an
   * alias named when it was opened. Default `documents`.
   */
  readonly collection?: string | undefined;
  /**
   * Name of a partition of the collection, to which the store keeps: it reads, writes and searches there alone. Made if
   * missing. Ids are of one partition. Default: the whole collection; what is stored goes into its default partition.
   */
  readonly partition?: string | undefined;
  /**
   * Name of a tenant, 1 to 128 characters: the store reads, writes and counts documents of this tenant only, and ids are
   * of one tenant. A collection that was made with this option has tenants and opens with this option only. Not together
   * with `partition`: Milvus itself chooses partitions by tenant. Default: none.
   */
  readonly tenant?: string | undefined;
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
  /** Requests under way at once that write, over all calls of the store. Default 4. */
  readonly writesAtOnce?: number | undefined;
}

/** Where a server is, and how to ask it. */
type MilvusServer = Pick<MilvusStoreOptions, "address" | "client" | "token" | "tls" | "timeout" | "retries">;

/** Options of `MilvusStore.switchAlias`. One of `address` and `client` says where the server is. */
export interface MilvusAliasOptions extends MilvusServer, AliasTarget {}

/** Options after they were checked. */
export interface ResolvedMilvusOptions extends ResolvedEngineOptions {
  readonly collection: string;
  readonly partition: string | undefined;
  readonly consistency: MilvusConsistency;
}

const call = "MilvusStore.open";

const serverRules = {
  ...serverTimes,
  address: unchecked<string>(),
  client: unchecked<MilvusConnection>(),
  token: unchecked<string>(),
  tls: unchecked<NonNullable<MilvusStoreOptions["tls"]>>(),
};

const milvusOptions = declareOptions<MilvusStoreOptions>()({
  ...engineRules,
  ...tenantRules,
  ...serverRules,
  collection: rule(checkName).default("documents"),
  partition: rule(checkName),
  consistency: oneOf(levels).default("Strong"),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkMilvusOptions(options: MilvusStoreOptions): ResolvedMilvusOptions {
  const checked = milvusOptions.check(call, options, `${call}: `);
  checkServerOptions(call, checked);
  const { collection, partition, tenant, consistency } = checked;
  if (partition !== undefined && tenant !== undefined) {
    throw invalidArgument(
      `${call}: partition and tenant exclude each other, as Milvus itself chooses the partition of a tenant; leave partition out.`,
    );
  }
  return { ...resolveEngineOptions(call, checked), collection, partition, consistency };
}

const aliasOptions = declareOptions<MilvusAliasOptions>()({
  ...serverRules,
  alias: rule(checkName).required(),
  to: rule(checkName).required(),
  from: rule(checkName),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkMilvusAlias(
  options: MilvusAliasOptions,
): CheckedOptions<(typeof aliasOptions)["rules"]> {
  const aliasCall = "MilvusStore.switchAlias";
  const checked = aliasOptions.check(aliasCall, options, `${aliasCall}: `);
  checkServerOptions(aliasCall, checked);
  checkAliasNames(aliasCall, checked);
  return checked;
}

function checkServerOptions(of: string, { address, client, token, tls }: MilvusServer): void {
  checkOneOf(of, { address, client }, ["address", "client"]);
  if (address !== undefined && (typeof address !== "string" || !/^[^\s@]+$/.test(address))) {
    throw invalidArgument(
      `${of}: address must be one such as "localhost:19530"; a user and password go into token as "user:password".`,
    );
  }
  checkTls(tls, true);
  if (client !== undefined && (token !== undefined || tls !== undefined)) {
    throw invalidArgument(`${of}: token and tls belong to an address.`);
  }
  if (token !== undefined && (typeof token !== "string" || token === "")) {
    throw invalidArgument(`${of}: token must be a key or "user:password".`);
  }
}

/** Names that Milvus takes for collections, aliases and partitions. */
function checkName(value: unknown, name: string): string {
  if (typeof value === "string" && /^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(value)) return value;
  throw invalidArgument(
    `${name} must be 1 to 200 letters, digits and _, not beginning with a digit, received ${received(value)}.`,
  );
}
