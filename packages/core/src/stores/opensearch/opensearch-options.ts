import { invalidArgument, received } from "../../errors.ts";
import { type CheckedOptions, declareOptions, rule, unchecked } from "../../options/index.ts";
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
import type { OpenSearchConnection } from "./opensearch-client.ts";
import { openSearchDialect } from "./opensearch-dialect.ts";
import type { SearchDialect } from "./search-dialect.ts";

/** Where a cluster is, and how to ask it. One of `url` and `client` says where. */
export interface OpenSearchServer {
  /**
   * A node, such as `https://localhost:9200`, or several nodes of one cluster: calls go on while one of them is down. Needs
   * the package `@opensearch-project/opensearch`.
   */
  readonly url?: string | readonly string[] | undefined;
  /** A `Client`. It stays open when the store is closed. */
  readonly client?: OpenSearchConnection | undefined;
  /** User and password, for a server with security. */
  readonly auth?: { readonly username: string; readonly password: string } | undefined;
  /** TLS options of Node for `url`, such as `{ ca }`. */
  readonly tls?: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds that a request may take. Default 60,000. */
  readonly timeout?: number | undefined;
  /** How often a request, or the items of a bulk that an overloaded node refused, are tried again. Default 5. */
  readonly retries?: number | undefined;
}

/** Options of `OpenSearchStore.open`. */
export interface OpenSearchStoreOptions extends OpenSearchServer {
  /**
   * Name of the index, or of an alias of one; an index is made if missing. A store keeps to the index that an alias named when it
   * was opened. Default `documents`.
   */
  readonly index?: string | undefined;
  /** Vectors by name. Needed to make the index; none can be added later. */
  readonly vectors?: VectorSchema | undefined;
  /**
   * Name of a tenant, 1 to 128 characters: the store reads, writes and counts documents of this tenant only, and ids are
   * of one tenant. An index that was made with this option has tenants and opens with this option only. The documents of a
   * tenant are on one shard. Default: none.
   */
  readonly tenant?: string | undefined;
  /** A name of the model or models of the vectors, kept with them. */
  readonly model?: string | undefined;
  /**
   * When searches see what was written: `wait_for` before the call resolves, by the cluster's schedule; `true` at once, at
   * a cost for the cluster; `false` some time later, which breaks the promise of `Store`. Default `wait_for`.
   */
  readonly refresh?: "wait_for" | boolean | undefined;
  /** Requests under way at once that write, over all calls of the store. Default 4. */
  readonly writesAtOnce?: number | undefined;
}

/** Options of `OpenSearchStore.switchAlias`. */
export interface OpenSearchAliasOptions extends OpenSearchServer, AliasTarget {}

/** Options after they were checked. */
export interface ResolvedOpenSearchOptions extends ResolvedEngineOptions {
  readonly dialect: SearchDialect;
  readonly index: string;
  readonly refresh: "wait_for" | boolean;
}

const call = "OpenSearchStore.open";

/** Rules of the options that say where a cluster is. */
const serverRules = {
  url: unchecked<string | readonly string[]>(),
  tls: unchecked<Readonly<Record<string, unknown>>>(),
};

/** Rules of the options that say where an index is, and when searches see what was written. */
export const indexRules = {
  ...serverRules,
  ...tenantRules,
  index: rule(checkIndexName).default("documents"),
  refresh: rule(checkRefresh).default("wait_for"),
};

const openSearchOptions = declareOptions<OpenSearchStoreOptions>()({
  ...engineRules,
  ...indexRules,
  client: unchecked<OpenSearchConnection>(),
  auth: unchecked<NonNullable<OpenSearchStoreOptions["auth"]>>(),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkOpenSearchOptions(options: OpenSearchStoreOptions): ResolvedOpenSearchOptions {
  const checked = openSearchOptions.check(call, options, `${call}: `);
  const { auth, index, refresh } = checked;
  checkPlace(call, checked);
  checkUser(call, auth);
  return { ...resolveEngineOptions(call, checked), index, refresh, dialect: openSearchDialect };
}

/** Rules of the options of `switchAlias`, without the rules of the client. */
export const aliasRules = {
  ...serverTimes,
  ...serverRules,
  alias: rule(checkIndexName).required(),
  to: rule(checkIndexName).required(),
  from: rule(checkIndexName),
};

const aliasOptions = declareOptions<OpenSearchAliasOptions>()({
  ...aliasRules,
  client: unchecked<OpenSearchConnection>(),
  auth: unchecked<NonNullable<OpenSearchServer["auth"]>>(),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkOpenSearchAlias(
  options: OpenSearchAliasOptions,
): CheckedOptions<(typeof aliasOptions)["rules"]> {
  const aliasCall = "OpenSearchStore.switchAlias";
  const checked = aliasOptions.check(aliasCall, options, `${aliasCall}: `);
  checkPlace(aliasCall, checked);
  checkUser(aliasCall, checked.auth);
  checkAliasNames(aliasCall, checked);
  return checked;
}

function checkUser(of: string, auth: OpenSearchServer["auth"]): void {
  if (auth === undefined) return;
  if (typeof auth?.username === "string" && typeof auth.password === "string") return;
  throw invalidArgument(`${of}: auth must be { username, password }.`);
}

/** Checks that either a url says where the cluster is, with what belongs to it, or a client. */
export function checkPlace(
  of: string,
  {
    url,
    client,
    auth,
    tls,
  }: {
    readonly url?: unknown;
    readonly client?: unknown;
    readonly auth?: unknown;
    readonly tls?: unknown;
  },
): void {
  checkOneOf(of, { url, client }, ["url", "client"]);
  if (url !== undefined && !isNodeList(url)) {
    throw invalidArgument(
      `${of}: url must be the address of a node such as "https://localhost:9200", or a list of such addresses; passwords go into auth.`,
    );
  }
  checkTls(tls, false);
  if (client !== undefined && (auth !== undefined || tls !== undefined)) {
    throw invalidArgument(`${of}: auth and tls belong to a url.`);
  }
}

/** The name becomes a part of the path of each request; OpenSearch takes small letters only. */
function checkIndexName(value: unknown, name: string): string {
  if (typeof value === "string" && /^[a-z0-9][a-z0-9_-]{0,199}$/.test(value)) return value;
  throw invalidArgument(
    `${name} must be 1 to 200 of a-z, 0-9, _ and -, beginning with a letter or digit, received ${received(value)}.`,
  );
}

function checkRefresh(value: unknown, name: string): "wait_for" | boolean {
  if (value === "wait_for" || typeof value === "boolean") return value;
  throw invalidArgument(`${name} must be "wait_for", true or false, received ${received(value)}.`);
}

function isNodeList(url: unknown): boolean {
  const nodes = Array.isArray(url) ? url : [url];
  return (
    nodes.length > 0 && nodes.every((node) => typeof node === "string" && /^https?:\/\/[^\s@]+$/.test(node))
  );
}
