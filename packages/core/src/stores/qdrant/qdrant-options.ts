import { invalidArgument, received } from "../../errors.ts";
import { type CheckedOptions, declareOptions, flag, rule, unchecked } from "../../options/index.ts";
import {
  checkOneOf,
  engineRules,
  type ResolvedEngineOptions,
  resolveEngineOptions,
  serverTimes,
  tenantRules,
} from "../engine/engine-options.ts";
import type { VectorSchema } from "../store.ts";
import { type AliasTarget, checkAliasNames } from "../store-alias.ts";
import type { QdrantConnection } from "./qdrant-client.ts";
import { checkLayout, type QdrantLayout, type ResolvedLayout } from "./qdrant-layout.ts";

/** Where a server is, and how to ask it. One of `url` and `client` says where. */
export interface QdrantServer {
  /** A server or cloud endpoint, such as `http://localhost:6333`. Needs the package `@qdrant/js-client-rest`. */
  readonly url?: string | undefined;
  /** A `QdrantClient`. */
  readonly client?: QdrantConnection | undefined;
  /** Key of the server; in no error. Default: none. */
  readonly apiKey?: string | undefined;
  /** Milliseconds that a request may take. Default 60,000. */
  readonly timeout?: number | undefined;
  /** How often a request is tried again after a lost connection or an overloaded server. Default 5. */
  readonly retries?: number | undefined;
}

/** Options of `QdrantStore.open`. */
export interface QdrantStoreOptions extends QdrantServer {
  /**
   * Name of the collection, or of an alias of one; a collection is made if missing. A store keeps to the collection that an
   * alias named when it was opened. Default `documents`.
   */
  readonly collection?: string | undefined;
  /** Vectors by name. Needed to make the collection; none can be added later. */
  readonly vectors?: VectorSchema | undefined;
  /**
   * Name of a tenant, 1 to 128 characters: the store reads, writes and counts documents of this tenant only, and ids are
   * of one tenant. A collection that was made with this option has tenants and opens with this option only. Not together
   * with `layout`. Default: none.
   */
  readonly tenant?: string | undefined;
  /** A name of the model or models of the vectors, kept with them. */
  readonly model?: string | undefined;
  /**
   * Reads a collection that another program made; `{}` for one of LangChain's Python package. Its vectors must be declared in
   * `vectors`; ids are the ids of points. It is read only, and filters compare with strings, numbers and booleans only.
   */
  readonly layout?: QdrantLayout | undefined;
  /** False lets dense searches use the approximate index. Sparse ones are exact always. Default true. */
  readonly exact?: boolean | undefined;
  /** Requests under way at once that write, over all calls of the store. Default 4. */
  readonly writesAtOnce?: number | undefined;
}

/** Options of `QdrantStore.switchAlias`. */
export interface QdrantAliasOptions extends QdrantServer, AliasTarget {}

/** Options after they were checked. */
export interface ResolvedQdrantOptions extends ResolvedEngineOptions {
  readonly collection: string;
  readonly exact: boolean;
  /** Undefined for collections of the store. */
  readonly layout: ResolvedLayout | undefined;
}

const call = "QdrantStore.open";

const serverRules = {
  ...serverTimes,
  url: unchecked<string>(),
  client: unchecked<QdrantConnection>(),
  apiKey: unchecked<string>(),
};

const qdrantOptions = declareOptions<QdrantStoreOptions>()({
  ...engineRules,
  ...tenantRules,
  ...serverRules,
  collection: rule(checkName).default("documents"),
  layout: unchecked<QdrantLayout>(),
  exact: flag().default(true),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkQdrantOptions(options: QdrantStoreOptions): ResolvedQdrantOptions {
  const checked = qdrantOptions.check(call, options, `${call}: `);
  checkServerOptions(call, checked);
  const { collection, exact } = checked;
  const layout = options.layout === undefined ? undefined : checkLayout(call, options.layout);
  if (layout !== undefined && (options.vectors === undefined || options.model !== undefined)) {
    throw invalidArgument(`${call}: with layout, vectors must be declared and no model be named.`);
  }
  if (layout !== undefined && checked.tenant !== undefined) {
    throw invalidArgument(
      `${call}: collections of other programs, as of layout, have no tenants; leave tenant out.`,
    );
  }
  return { ...resolveEngineOptions(call, checked), collection, exact, layout };
}

const aliasOptions = declareOptions<QdrantAliasOptions>()({
  ...serverRules,
  alias: rule(checkName).required(),
  to: rule(checkName).required(),
  from: rule(checkName),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkQdrantAlias(
  options: QdrantAliasOptions,
): CheckedOptions<(typeof aliasOptions)["rules"]> {
  const aliasCall = "QdrantStore.switchAlias";
  const checked = aliasOptions.check(aliasCall, options, `${aliasCall}: `);
  checkServerOptions(aliasCall, checked);
  checkAliasNames(aliasCall, checked);
  return checked;
}

function checkServerOptions(of: string, { url, client, apiKey }: QdrantServer): void {
  checkOneOf(of, { url, client }, ["url", "client"]);
  if (url !== undefined && (typeof url !== "string" || !/^https?:\/\/[^\s@]+$/.test(url))) {
    throw invalidArgument(`${of}: url must be one such as "http://localhost:6333"; keys go into apiKey.`);
  }
  if (apiKey !== undefined && (typeof apiKey !== "string" || apiKey === "" || client !== undefined)) {
    throw invalidArgument(`${of}: apiKey must be a string, and belongs to a url.`);
  }
}

/** The name becomes a part of the path of each request. */
function checkName(value: unknown, name: string): string {
  if (typeof value === "string" && /^[A-Za-z0-9_-]{1,200}$/.test(value)) return value;
  throw invalidArgument(`${name} must be 1 to 200 letters, digits, _ and -, received ${received(value)}.`);
}
