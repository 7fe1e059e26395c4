import { checkOpenOptions } from "../engine/engine-options.ts";
import type { AliasResult } from "../store-alias.ts";
import { StoreFront } from "../store-front.ts";
import { PostgresAliases } from "./postgres-alias.ts";
import { PostgresBackend } from "./postgres-backend.ts";
import { PostgresCalls } from "./postgres-calls.ts";
import { connect } from "./postgres-connection.ts";
import {
  checkPostgresAlias,
  type PostgresAliasOptions,
  type PostgresStoreOptions,
} from "./postgres-options.ts";

/**
 * Documents in Postgres with pgvector: on a server, or in this process with PGlite, by the same code.
 *
 * Searches compare the query with every document that passes the filter, and so are exact, unless the option `hnsw` asks
 * for an index. An upsert is one transaction. Tables are made when missing; the table of documents has columns `id`,
 * `text` and `metadata` (jsonb) that other users of the database may read. Strings with NUL, lone surrogates or U+001A
 * stand there escaped, which their order in comparisons is not aware of.
 *
 * @example
 * await using store = await PostgresStore.open({ url: "postgres://localhost/search", vectors });
 * await using embedded = await PostgresStore.open({ folder: "./search", vectors });
 */
export class PostgresStore extends StoreFront {
  private constructor(backend: PostgresBackend) {
    super(backend);
  }

  /**
   * Connects, and sets up what is missing.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; `MISSING_PACKAGE`; `STORE_LOCKED` if a live process
   * has the folder open; `STORE_MISMATCH` for a table made by another program, for another model, or with other vectors;
   * `STORE_UNSUPPORTED` for an old pgvector; `STORE_FAILED`
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    checkOpenOptions("PostgresStore.open", options, "{ url } or { folder }");
    return new PostgresStore(await PostgresBackend.open(options));
  }

  /**
   * Lets an alias name another table, in one transaction: a store that is opened by the alias has the table from before or the
   * new one. Stores that are open keep to the table that they were opened with, and refuse changes with `STORE_MISMATCH`.
   * Aliases are known to stores only: they are rows of a table of the schema, `sparse_encoder_aliases`.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a name that is not allowed, and a table that does not exist;
   * `STORE_MISMATCH` for a table of another program, an alias that does not name `from`, and the name of a table;
   * `STORE_FAILED`
   */
  static async switchAlias(options: PostgresAliasOptions): Promise<AliasResult> {
    checkOpenOptions("PostgresStore.switchAlias", options, "{ url, alias, to }");
    const checked = checkPostgresAlias(options);
    const { database, secrets } = await connect(checked, checked);
    const calls = new PostgresCalls(database, checked.retries, secrets);
    try {
      const aliases = new PostgresAliases(checked.schema);
      return await calls.change(undefined, true, (session) => aliases.switch(session, checked));
    } finally {
      await calls.close().catch(() => {});
    }
  }
}
