import { invalidArgument } from "../../errors.ts";
import { declareOptions, flag, rule, unchecked } from "../../options/index.ts";
import { engineRules, resolveEngineOptions } from "../engine/engine-options.ts";
import {
  aliasRules,
  checkPlace,
  indexRules,
  type ResolvedOpenSearchOptions,
} from "../opensearch/opensearch-options.ts";
import type { VectorSchema } from "../store.ts";
import { type AliasTarget, checkAliasNames } from "../store-alias.ts";
import type { ElasticsearchConnection } from "./elasticsearch-client.ts";
import { elasticsearchDialect } from "./elasticsearch-dialect.ts";

/** Options of `ElasticsearchStore.open`. One of `url` and `client` says where the cluster is. */
export interface ElasticsearchStoreOptions {
  /**
   * A node, such as `https://localhost:9200`, or several nodes of one cluster: calls go on while one of them is down. Needs
   * the package `@elastic/elasticsearch` of the server's major version or the one before it.
   */
  readonly url?: string | readonly string[] | undefined;
  /** A `Client`. It stays open when the store is closed. */
  readonly client?: ElasticsearchConnection | undefined;
  /** User and password, or an API key in the form that the server gives as `encoded`. */
  readonly auth?:
    | { readonly username: string; readonly password: string }
    | { readonly apiKey: string }
    | undefined;
  /** TLS options of Node for `url`, such as `{ ca }`. */
  readonly tls?: Readonly<Record<string, unknown>> | undefined;
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
  /**
   * False makes the index with a graph of its dense vectors, and lets searches of them use it. Sparse ones are exact always.
   * Default true.
   */
  readonly exact?: boolean | undefined;
  /** Requests of this store that write and are under way at once, over all calls. Default 4. */
  readonly writesAtOnce?: number | undefined;
  /** Milliseconds that a request may take. Default 60,000. */
  readonly timeout?: number | undefined;
  /** How often a request, or the items of a bulk that an overloaded node refused, are tried again. Default 5. */
  readonly retries?: number | undefined;
}

/** Options of `ElasticsearchStore.switchAlias`. One of `url` and `client` says where the cluster is. */
export interface ElasticsearchAliasOptions
  extends Pick<ElasticsearchStoreOptions, "url" | "client" | "auth" | "tls" | "timeout" | "retries">,
    AliasTarget {}

/** Options after they were checked. */
export type ResolvedElasticsearchOptions = ResolvedOpenSearchOptions;

const call = "ElasticsearchStore.open";

const elasticsearchOptions = declareOptions<ElasticsearchStoreOptions>()({
  ...engineRules,
  ...indexRules,
  client: unchecked<ElasticsearchConnection>(),
  auth: rule(checkAuth),
  exact: flag().default(true),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkElasticsearchOptions(options: ElasticsearchStoreOptions): ResolvedElasticsearchOptions {
  const checked = elasticsearchOptions.check(call, options, `${call}: `);
  checkPlace(call, checked);
  const { index, refresh, exact } = checked;
  return {
    ...resolveEngineOptions(call, checked),
    index,
    refresh,
    dialect: elasticsearchDialect(exact),
  };
}

const aliasOptions = declareOptions<ElasticsearchAliasOptions>()({
  ...aliasRules,
  client: unchecked<ElasticsearchConnection>(),
  auth: rule(checkAuth),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkElasticsearchAlias(options: ElasticsearchAliasOptions) {
  const aliasCall = "ElasticsearchStore.switchAlias";
  const checked = aliasOptions.check(aliasCall, options, `${aliasCall}: `);
  checkPlace(aliasCall, checked);
  checkAliasNames(aliasCall, checked);
  return { ...checked, dialect: elasticsearchDialect(true) };
}

function checkAuth(value: unknown, name: string): ElasticsearchStoreOptions["auth"] {
  if (value === undefined) return undefined;
  const { username, password, apiKey, ...others } = (value ?? {}) as Record<string, unknown>;
  const isText = (...texts: unknown[]) => texts.every((text) => typeof text === "string" && text !== "");
  const isUser = isText(username, password) && apiKey === undefined;
  const isKey = isText(apiKey) && username === undefined && password === undefined;
  // No value is shown: one of them is a secret.
  if ((isUser || isKey) && Object.keys(others).length === 0)
    return value as ElasticsearchStoreOptions["auth"];
  throw invalidArgument(`${name} must be { username, password } or { apiKey }.`);
}
