import { throwIfAborted, withRetries } from "../../calls/index.ts";
import { received, SparseEncoderError } from "../../errors.ts";
import type { SparseVector } from "../../vector/index.ts";
import { type EngineQuery, EngineStore } from "../engine/engine-store.ts";
import { notInstalled } from "../engine/optional-package.ts";
import { parseMetadata, unescapeText } from "../engine/stored-text.ts";
import { filterOperators } from "../filter.ts";
import type { FilterNode } from "../filter-node.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { Bindings } from "./bindings.ts";
import { type PgliteClient, PgliteDatabase } from "./pglite-database.ts";
import {
  type PostgresDatabase,
  type PostgresSession,
  type Row,
  UnknownOutcome,
} from "./postgres-database.ts";
import { mayPass, postgresFailure } from "./postgres-failure.ts";
import { compileFilter } from "./postgres-filter.ts";
import { type Column, PostgresLayout } from "./postgres-layout.ts";
import {
  checkPostgresOptions,
  type PostgresStoreOptions,
  type ResolvedPostgresOptions,
} from "./postgres-options.ts";
import {
  fromRow,
  maximumIndexedDims,
  selectedColumns,
  toKey,
  toRows,
  upsertStatement,
} from "./postgres-rows.ts";
import { denseSearch, type SearchStatement, sparseSearch } from "./postgres-search.ts";
import { type PostgresPool, ServerDatabase } from "./server-database.ts";

/** Active dims that pgvector's type takes. */
const maximumActiveDims = 16_000;

/** Milliseconds before the second try of a call. */
const firstDelay = 200;

/** Where a store lies, and what may not be shown of it. */
interface Connected {
  readonly database: PostgresDatabase;
  readonly secrets: readonly string[];
  /** True if it outlives this process. */
  readonly durable: boolean;
}

/**
 * Documents in Postgres with pgvector: on a server, or in this process with PGlite, by the same code.
 *
 * Searches compare the query with every document that passes the filter, and so are exact, unless the option `hnsw` asks
 * for an index. An upsert is one transaction. Tables are made when missing; the table of documents has columns `id`,
 * `text` and `metadata` (jsonb) for other users of the database to read. Strings with NUL, lone surrogates or U+001A
 * stand there escaped, which their order in comparisons is not aware of.
 *
 * @example
 * await using store = await PostgresStore.open({ url: "postgres://localhost/search", vectors });
 * await using embedded = await PostgresStore.open({ folder: "./search", vectors });
 */
export class PostgresStore extends EngineStore {
  readonly name = "postgres";
  readonly capabilities: StoreCapabilities;
  private readonly database: PostgresDatabase;
  private readonly secrets: readonly string[];
  private readonly layout: PostgresLayout;
  private readonly options: ResolvedPostgresOptions;
  private columns: readonly Column[];

  private constructor(
    { database, secrets, durable }: Connected,
    layout: PostgresLayout,
    options: ResolvedPostgresOptions,
    columns: readonly Column[],
  ) {
    super(toFields(columns), options.declared !== undefined);
    this.database = database;
    this.secrets = secrets;
    this.layout = layout;
    this.options = options;
    this.columns = columns;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: new Set(filterOperators),
      exact: options.hnsw.size === 0,
      durable,
      maximumActiveDims,
    };
  }

  /**
   * Connects, and sets up what is missing.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; `MISSING_PACKAGE`; `STORE_LOCKED` if a live process
   * has the folder open; `STORE_MISMATCH` for a table of others, of another model, or with other vectors;
   * `STORE_UNSUPPORTED` for an old pgvector; `STORE_FAILED`
   */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const checked = checkPostgresOptions(options);
    const connected = await connect(options, checked);
    const layout = new PostgresLayout(checked);
    try {
      const columns = await withRetries(
        { retries: checked.retries, delay: firstDelay },
        undefined,
        (error) => mayPass(error) || error instanceof UnknownOutcome,
        () => connected.database.transaction((session) => layout.setUp(session)),
      );
      return new PostgresStore(connected, layout, checked, columns);
    } catch (error) {
      await connected.database.close().catch(() => {});
      throw postgresFailure(error, connected.secrets);
    }
  }

  protected override async addFields(
    added: ReadonlyMap<string, ResolvedField>,
  ): Promise<ReadonlyMap<string, ResolvedField>> {
    this.columns = await this.change(undefined, true, (session) => this.layout.addColumns(session, added));
    return toFields(this.columns);
  }

  protected override async readFields(): Promise<ReadonlyMap<string, ResolvedField>> {
    this.columns = await this.change(undefined, true, (session) => this.layout.columns(session));
    return toFields(this.columns);
  }

  protected async write(
    documents: readonly CheckedDocument[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.checkIndexedDims(documents);
    const { columns } = this;
    const statement = upsertStatement(this.layout.table, columns);
    // To store the same documents twice is to store them once.
    await this.change(signal, true, async (session) => {
      for (const rows of toRows(documents, columns)) {
        throwIfAborted(signal);
        await session.query(statement, [rows]);
      }
      throwIfAborted(signal);
    });
  }

  protected remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    return this.removeWhere(
      "key IN (SELECT decode(value, 'hex') FROM json_array_elements_text($1::json) ORDER BY 1)",
      [JSON.stringify(ids.map(toKey))],
      signal,
    );
  }

  protected removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    const bindings = new Bindings();
    const condition = compileFilter(node, bindings);
    return this.removeWhere(condition, bindings.values, signal);
  }

  protected async read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const { columns } = this;
    const rows = await this.select(
      `SELECT ${selectedColumns(columns)} FROM ${this.layout.table} ` +
        "WHERE key IN (SELECT decode(value, 'hex') FROM json_array_elements_text($1::json))",
      [JSON.stringify(ids.map(toKey))],
      signal,
    );
    return new Map(
      rows.map((row) => {
        const document = fromRow(row, columns);
        return [document.id, document];
      }),
    );
  }

  protected async tally(node: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number> {
    const bindings = new Bindings();
    const condition = node === undefined ? "true" : compileFilter(node, bindings);
    const [row] = await this.select(
      `SELECT count(*)::text AS count FROM ${this.layout.table} WHERE ${condition}`,
      bindings.values,
      signal,
    );
    return Number(row!.count);
  }

  protected async *pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    let last = after;
    for (;;) {
      const { columns } = this;
      const bindings = new Bindings();
      const conditions = [`key > decode(${bindings.add(toKey(last), "text")}, 'hex')`];
      if (node !== undefined) conditions.push(compileFilter(node, bindings));
      const rows = await this.select(
        `SELECT ${selectedColumns(columns)} FROM ${this.layout.table} ` +
          `WHERE ${conditions.join(" AND ")} ORDER BY key LIMIT ${batchSize}`,
        bindings.values,
        signal,
      );
      if (rows.length > 0) yield rows.map((row) => fromRow(row, columns));
      if (rows.length < batchSize) return;
      last = unescapeText(rows.at(-1)!.id!);
    }
  }

  protected async rankSparse(query: EngineQuery<SparseVector>): Promise<StoreHit[]> {
    const candidates = this.candidates(query);
    const statement = sparseSearch(this.layout.table, this.column(query.name), query, candidates);
    return this.search(statement, query, candidates, (distance) => -distance);
  }

  protected async rankDense(query: EngineQuery<Float32Array>): Promise<StoreHit[]> {
    const candidates = this.candidates(query);
    const column = this.column(query.name);
    const isCosine = column.field.kind === "dense" && column.field.metric === "cosine";
    const statement = denseSearch(this.layout.table, column, query, candidates);
    return this.search(statement, query, candidates, (distance) => (isCosine ? 1 - distance : -distance));
  }

  protected async disconnect(): Promise<void> {
    await this.database.close();
  }

  private async search(
    { sql, values }: SearchStatement,
    { signal }: EngineQuery<unknown>,
    candidates: number | undefined,
    toScore: (distance: number) => number,
  ): Promise<StoreHit[]> {
    const rows =
      candidates === undefined
        ? await this.select(sql, values, signal)
        : await this.change(signal, true, async (session) => {
            await session.query(
              "SELECT set_config('hnsw.ef_search', $1::text, true), set_config('hnsw.iterative_scan', 'strict_order', true)",
              [`${Math.min(1000, candidates)}`],
            );
            return session.query(sql, values);
          });
    return rows.map((row) => ({
      id: unescapeText(row.id!),
      // -0 would be another score than 0 to some readers.
      score: toScore(Number(row.distance)) + 0,
      text: unescapeText(row.text!),
      metadata: parseMetadata(row.metadata!),
    }));
  }

  /** How many an approximate index is asked for; undefined without one. */
  private candidates({ name, k }: EngineQuery<unknown>): number | undefined {
    const options = this.options.hnsw.get(name);
    return options === undefined ? undefined : Math.max(k, options.efSearch);
  }

  private column(name: string): Column {
    return this.columns.find((column) => column.name === name)!;
  }

  private checkIndexedDims(documents: readonly CheckedDocument[]): void {
    for (const [name, { longVectors }] of this.options.hnsw) {
      if (longVectors === "cut") continue;
      for (const { id, vectors } of documents) {
        const vector = vectors.get(name);
        if (vector === undefined || vector instanceof Float32Array) continue;
        if (vector.activeDims <= maximumIndexedDims) continue;
        throw this.unsupported(
          `takes at most ${maximumIndexedDims} active dims where an HNSW index refuses long vectors. Document ${received(id)}, ` +
            `vector ${received(name)} has ${vector.activeDims}; encode with maxActiveDims, or set hnsw.${name}.longVectors to "cut".`,
        );
      }
    }
  }

  private async removeWhere(
    condition: string,
    values: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<number> {
    // Not to be repeated where it may have happened: the second count would be another.
    const [row] = await this.change(signal, false, (session) =>
      session.query(
        `WITH deleted AS (DELETE FROM ${this.layout.table} WHERE ${condition} RETURNING 1) SELECT count(*)::text AS count FROM deleted`,
        values,
      ),
    );
    return Number(row!.count);
  }

  private async select(
    sql: string,
    values: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Row[]> {
    return this.attempt(signal, mayPass, () => this.database.query(sql, values));
  }

  /** @param repeatable true if doing it twice is the same as doing it once */
  private async change<Result>(
    signal: AbortSignal | undefined,
    repeatable: boolean,
    work: (session: PostgresSession) => Promise<Result>,
  ): Promise<Result> {
    return this.attempt(
      signal,
      (error) => (error instanceof UnknownOutcome ? repeatable : mayPass(error)),
      () => this.database.transaction(work),
    );
  }

  private async attempt<Result>(
    signal: AbortSignal | undefined,
    again: (error: unknown) => boolean,
    call: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await withRetries({ retries: this.options.retries, delay: firstDelay }, signal, again, call);
    } catch (error) {
      if (error instanceof UnknownOutcome) {
        throw new SparseEncoderError(
          "STORE_FAILED",
          "The postgres store failed: the connection was lost while committing, so the change was made as a whole or not " +
            "at all. Look with get or count, or make the call again.",
          { cause: error.cause },
        );
      }
      throw postgresFailure(error, this.secrets);
    }
  }
}

function toFields(columns: readonly Column[]): ReadonlyMap<string, ResolvedField> {
  return new Map(columns.map(({ name, field }) => [name, field]));
}

async function connect(options: PostgresStoreOptions, checked: ResolvedPostgresOptions): Promise<Connected> {
  const { url, folder, client, tls } = options;
  if (folder !== undefined) {
    const isMemory = folder === "memory://";
    try {
      const database = await PgliteDatabase.open(isMemory ? undefined : folder);
      return { database, secrets: [], durable: !isMemory };
    } catch (error) {
      throw postgresFailure(error, []);
    }
  }
  if (url !== undefined) {
    const { default: pg } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "pg").catch(
      notInstalled("A PostgresStore on a server", "pg"),
    );
    const pool = new pg.Pool({
      connectionString: url,
      max: checked.connections,
      connectionTimeoutMillis: Math.min(checked.timeout, 10_000),
      statement_timeout: checked.timeout,
      // The server's own limit comes first, and says more.
      query_timeout: checked.timeout + 5000,
      keepAlive: true,
      application_name: "sparse-encoder",
      ...(tls === undefined ? {} : { ssl: tls }),
    });
    // A connection that ends while nobody uses it is replaced when needed.
    pool.on("error", () => {});
    return { database: new ServerDatabase(pool, true), secrets: passwordsOf(url), durable: true };
  }
  if (typeof client === "object" && client !== null) {
    if ("transaction" in client && "query" in client) {
      return { database: new PgliteDatabase(client as PgliteClient, false), secrets: [], durable: true };
    }
    if ("connect" in client && "query" in client) {
      return { database: new ServerDatabase(client as PostgresPool, false), secrets: [], durable: true };
    }
  }
  throw new SparseEncoderError(
    "INVALID_ARGUMENT",
    `PostgresStore.open: client must be a Pool of pg or a PGlite, received ${typeof client}.`,
  );
}

/** The password as it stands in the URL, and decoded. */
function passwordsOf(url: string): string[] {
  const written = /^[a-z]+:\/\/[^:@/]*:([^/]*)@/.exec(url)?.[1] ?? "";
  try {
    return [written, decodeURIComponent(written)];
  } catch {
    return [written];
  }
}
