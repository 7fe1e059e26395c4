import { checkOpenOptions } from "../engine/engine-options.ts";
import { StoreFront } from "../store-front.ts";
import { PostgresBackend } from "./postgres-backend.ts";
import type { PostgresStoreOptions } from "./postgres-options.ts";

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
}
