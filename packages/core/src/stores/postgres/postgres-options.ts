import { invalidArgument, received } from "../../errors.ts";
import {
  type CheckedOptions,
  checkOptionNames,
  count,
  declareOptions,
  positiveInteger,
  rule,
  unchecked,
} from "../../options/index.ts";
import {
  checkOneOf,
  checkTls,
  engineRules,
  type ResolvedEngineOptions,
  resolveEngineOptions,
  serverTimes,
  tenantRules,
} from "../engine/engine-options.ts";
import { isPlainObject } from "../plain-object.ts";
import type { VectorSchema } from "../store.ts";
import { type AliasTarget, checkAliasNames } from "../store-alias.ts";
import type { PgliteClient } from "./database/pglite-database.ts";
import type { PostgresPool } from "./database/server-database.ts";

/** Options of an HNSW index: pgvector's, and what becomes of vectors that are too long for it. */
export interface HnswOptions {
  /** Links of a vector in each layer, 2 to 100. Default 16. */
  readonly m?: number | undefined;
  /** Candidates while building, 4 to 1,000. Default 64. */
  readonly efConstruction?: number | undefined;
  /** Candidates of a search, 1 to 1,000; at least `k` are used. Default 100. */
  readonly efSearch?: number | undefined;
  /**
   * An index takes sparse vectors of at most 1,000 active dims. `cut` indexes the 1,000 weights of the largest absolute
   * value (of equal ones, the smaller dims); the vector itself is kept, and scores are of it. `refuse` refuses the
   * document with `STORE_UNSUPPORTED`. Default `cut`.
   */
  readonly longVectors?: "cut" | "refuse" | undefined;
}

/** Options of `PostgresStore.open`. One of `url`, `folder` and `client` says where the database is. */
export interface PostgresStoreOptions {
  /** A server: `postgres://user:password@host:5432/database`. Needs the package `pg`. */
  readonly url?: string | undefined;
  /**
   * PGlite, Postgres in this process: a folder of its own, or `memory://` for none. Needs the packages
   * `@electric-sql/pglite` and `@electric-sql/pglite-pgvector`. A folder has one process at a time.
   */
  readonly folder?: string | undefined;
  /** A `Pool` of `pg`, or a `PGlite` with the extension vector. It stays open when the store is closed. */
  readonly client?: PostgresPool | PgliteClient | undefined;
  /**
   * Name of the table, or of an alias of one; a table is made if missing. A store keeps to the table that an alias named when it
   * was opened. Default `documents`.
   */
  readonly table?: string | undefined;
  /** Schema of the table; made if missing. Default `public`. */
  readonly schema?: string | undefined;
  /** Vectors by name, as for a `MemoryStore`. */
  readonly vectors?: VectorSchema | undefined;
  /** A name of the model or models of the vectors, kept with them. */
  readonly model?: string | undefined;
  /**
   * Name of a tenant, 1 to 128 characters: the store reads, writes and counts documents of this tenant only, and ids are
   * of one tenant. A table that was made with this option has tenants and opens with this option only. Default: none.
   */
  readonly tenant?: string | undefined;
  /** Names of vectors that get an approximate index; all other searches are exact scans. */
  readonly hnsw?: Readonly<Record<string, HnswOptions | true>> | undefined;
  /** Metadata fields that get an index: `equality` for `$eq` and `$in`, `range` for comparisons of numbers. */
  readonly filterIndexes?: Readonly<Record<string, "equality" | "range">> | undefined;
  /** TLS options of Node for `url`, such as `{ ca, cert, key }`; `true` for the system's authorities. */
  readonly tls?: boolean | Readonly<Record<string, unknown>> | undefined;
  /** Connections to a `url` at most. Default 8. */
  readonly connections?: number | undefined;
  /** Milliseconds that a statement on a `url` may take. Default 60,000. */
  readonly timeout?: number | undefined;
  /** How often a call is tried again after a lost connection or a conflict; 0 for never. Default 5. */
  readonly retries?: number | undefined;
  /**
   * Upserts at once that `copyStore` and `HybridRetriever.add` make on a server, each a transaction of its own. At most
   * `connections`. Default 4. PGlite does one thing after the other.
   */
  readonly writesAtOnce?: number | undefined;
}

/** Where a database is, and how to ask it. */
type PostgresServer = Pick<
  PostgresStoreOptions,
  "url" | "folder" | "client" | "schema" | "tls" | "connections" | "timeout" | "retries"
>;

/** Options of `PostgresStore.switchAlias`. One of `url`, `folder` and `client` says where the database is. */
export interface PostgresAliasOptions extends PostgresServer, AliasTarget {}

/** Options after they were checked. */
export interface ResolvedPostgresOptions extends ResolvedEngineOptions {
  readonly table: string;
  readonly schema: string;
  readonly hnsw: ReadonlyMap<string, ResolvedHnsw>;
  readonly filterIndexes: ReadonlyMap<string, "equality" | "range">;
  readonly connections: number;
}

export interface ResolvedHnsw {
  readonly m: number;
  readonly efConstruction: number;
  readonly efSearch: number;
  readonly longVectors: "cut" | "refuse";
}

const call = "PostgresStore.open";

const serverRules = {
  ...serverTimes,
  url: unchecked<string>(),
  folder: unchecked<string>(),
  client: unchecked<PostgresPool | PgliteClient>(),
  schema: rule(checkIdentifier).default("public"),
  tls: unchecked<NonNullable<PostgresStoreOptions["tls"]>>(),
  connections: count({ maximum: 10_000 }).default(8),
};

const postgresOptions = declareOptions<PostgresStoreOptions>()({
  ...engineRules,
  ...tenantRules,
  ...serverRules,
  table: rule(checkIdentifier).default("documents"),
  hnsw: unchecked<Readonly<Record<string, HnswOptions | true>>>(),
  filterIndexes: unchecked<Readonly<Record<string, "equality" | "range">>>(),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkPostgresOptions(options: PostgresStoreOptions): ResolvedPostgresOptions {
  const checked = postgresOptions.check(call, options, `${call}: `);
  checkServerOptions(call, checked);
  const { table, schema, connections } = checked;
  if (checked.tenant !== undefined && checked.hnsw !== undefined) {
    throw invalidArgument(
      `${call}: hnsw and tenant exclude each other, as an index of all tenants gives up before it reaches the documents of a ` +
        "small one. Leave hnsw out: a search then compares all documents of the tenant. Or give a large tenant a table of its own.",
    );
  }
  return {
    ...resolveEngineOptions(call, checked),
    table,
    schema,
    hnsw: checkEntries("hnsw", options.hnsw, checkHnsw),
    filterIndexes: checkEntries("filterIndexes", options.filterIndexes, (place, value) => {
      if (value === "equality" || value === "range") return value;
      throw invalidArgument(`${place} must be "equality" or "range", received ${received(value)}.`);
    }),
    connections,
  };
}

const aliasOptions = declareOptions<PostgresAliasOptions>()({
  ...serverRules,
  alias: rule(checkIdentifier).required(),
  to: rule(checkIdentifier).required(),
  from: rule(checkIdentifier),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkPostgresAlias(
  options: PostgresAliasOptions,
): CheckedOptions<(typeof aliasOptions)["rules"]> {
  const aliasCall = "PostgresStore.switchAlias";
  const checked = aliasOptions.check(aliasCall, options, `${aliasCall}: `);
  checkServerOptions(aliasCall, checked);
  checkAliasNames(aliasCall, checked);
  return checked;
}

function checkServerOptions(of: string, { url, folder, client, tls }: PostgresServer): void {
  checkOneOf(of, { url, folder, client }, ["url", "folder", "client"]);
  if (url !== undefined && (typeof url !== "string" || !/^postgres(?:ql)?:\/\//.test(url))) {
    // Not shown: it may hold a password.
    throw invalidArgument(`${of}: url must begin with postgres://.`);
  }
  if (folder !== undefined && (typeof folder !== "string" || folder === "")) {
    throw invalidArgument(`${of}: folder must be a path or "memory://", received ${received(folder)}.`);
  }
  checkTls(tls, true);
  if (tls !== undefined && url === undefined) throw invalidArgument(`${of}: tls belongs to a url.`);
}

/** Names go into SQL between quotes; so plain ones need none when users write SQL themselves. */
function checkIdentifier(value: unknown, name: string): string {
  if (typeof value === "string" && /^[a-z_][a-z0-9_]{0,39}$/.test(value)) return value;
  throw invalidArgument(
    `${name} must be 1 to 40 of a-z, 0-9 and _, not beginning with a digit, received ${received(value)}.`,
  );
}

function checkEntries<Value, Checked>(
  option: string,
  entries: Readonly<Record<string, Value>> | undefined,
  check: (place: string, value: Value) => Checked,
): Map<string, Checked> {
  if (entries === undefined) return new Map();
  if (!isPlainObject(entries)) {
    throw invalidArgument(`${call}: ${option} must be an object by name, received ${received(entries)}.`);
  }
  return new Map(
    Object.entries(entries as Readonly<Record<string, Value>>).map(([name, value]) => [
      name,
      check(`${call}: ${option}.${name}`, value),
    ]),
  );
}

function checkHnsw(place: string, options: HnswOptions | true): ResolvedHnsw {
  const given = options === true ? {} : options;
  checkOptionNames(place, given, ["m", "efConstruction", "efSearch", "longVectors"]);
  const m = positiveInteger(`${place}.m`, given.m ?? 16, 100);
  const efConstruction = positiveInteger(
    `${place}.efConstruction`,
    given.efConstruction ?? Math.max(64, 2 * m),
    1000,
  );
  if (m < 2 || efConstruction < 2 * m) {
    throw invalidArgument(`${place}: m must be at least 2 and efConstruction at least twice m.`);
  }
  const { longVectors = "cut" } = given;
  if (longVectors !== "cut" && longVectors !== "refuse") {
    throw invalidArgument(
      `${place}.longVectors must be "cut" or "refuse", received ${received(longVectors)}.`,
    );
  }
  const efSearch = positiveInteger(`${place}.efSearch`, given.efSearch ?? 100, 1000);
  return { m, efConstruction, efSearch, longVectors };
}
