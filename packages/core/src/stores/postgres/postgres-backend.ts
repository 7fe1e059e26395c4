import { throwIfAborted } from "../../calls/index.ts";
import { received } from "../../errors.ts";
import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend } from "../backend.ts";
import { parseMetadata, unescapeText } from "../engine/stored-text.ts";
import { filterOperators } from "../filter/filter.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { unsupported } from "../store-limits.ts";
import { encoderOf, type ResolvedField } from "../vector-fields.ts";
import { Bindings } from "./bindings.ts";
import { checkTableAlias, type OpenedTable, openTable } from "./postgres-alias.ts";
import { PostgresCalls } from "./postgres-calls.ts";
import type { Column } from "./postgres-column.ts";
import { type Connected, connect } from "./postgres-connection.ts";
import { dimCount } from "./postgres-dims.ts";
import { compileFilter } from "./postgres-filter.ts";
import type { PostgresLayout } from "./postgres-layout.ts";
import {
  checkPostgresOptions,
  type PostgresStoreOptions,
  type ResolvedPostgresOptions,
} from "./postgres-options.ts";
import {
  fromRow,
  keysOf,
  maximumIndexedDims,
  selectedColumns,
  toKey,
  toRows,
  upsertStatement,
} from "./postgres-rows.ts";
import { denseSearch, type SearchStatement, sparseSearch } from "./postgres-search.ts";

/** Active dims that pgvector's type takes. */
const maximumActiveDims = 16_000;

/** The backend of a `PostgresStore`. */
export class PostgresBackend implements StoreBackend {
  readonly name = "postgres";
  readonly ordersTies = true;
  readonly declared: boolean;
  readonly tenant: string | undefined;
  readonly capabilities: StoreCapabilities;
  private readonly calls: PostgresCalls;
  private readonly layout: PostgresLayout;
  private readonly options: ResolvedPostgresOptions;
  private readonly alias: string | undefined;
  private columns: readonly Column[];

  private constructor(
    calls: PostgresCalls,
    { database: { overlaps }, durable }: Connected,
    { layout, options, alias, columns }: OpenedTable,
  ) {
    this.declared = options.declared !== undefined;
    this.tenant = options.tenant;
    this.calls = calls;
    this.layout = layout;
    this.options = options;
    this.alias = alias;
    this.columns = columns;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: new Set(filterOperators),
      exact: options.hnsw.size === 0,
      durable,
      maximumActiveDims,
      countsDims: true,
      writesAtOnce: overlaps ? Math.min(options.writesAtOnce, options.connections) : 1,
    };
  }

  static async open(options: PostgresStoreOptions): Promise<PostgresBackend> {
    const checked = checkPostgresOptions(options);
    const connected = await connect(options, checked);
    const { database, secrets } = connected;
    const calls = new PostgresCalls(database, checked.retries, secrets);
    try {
      const table = await calls.change(undefined, true, (session) => openTable(session, checked));
      return new PostgresBackend(calls, connected, table);
    } catch (error) {
      await calls.close().catch(() => {});
      throw error;
    }
  }

  get fields(): ReadonlyMap<string, ResolvedField> {
    return new Map(this.columns.map(({ name, field }) => [name, field]));
  }

  async addFields(added: ReadonlyMap<string, ResolvedField>): Promise<void> {
    this.columns = await this.calls.change(undefined, true, (session) =>
      this.layout.addColumns(session, added),
    );
  }

  async refreshFields(): Promise<void> {
    this.columns = await this.calls.change(undefined, true, (session) => this.layout.columns(session));
  }

  checkChange(): Promise<void> {
    return checkTableAlias(this.calls, this.options, this.alias);
  }

  async keepEncoder(name: string, field: ResolvedField): Promise<void> {
    const known = this.fields.get(name);
    this.columns = await this.calls.change(undefined, true, (session) =>
      this.layout.keepEncoder(session, name, field, known),
    );
  }

  async countDims(
    name: string,
    dims: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<DimCounts> {
    const column = this.column(name);
    const indexed =
      encoderOf(column.field) !== undefined ? this.layout.indexes.dimsOf(column.suffix) : undefined;
    const { sql, values } = dimCount(this.layout.table, column, dims, indexed);
    const [row] = await this.calls.select(sql, values, signal);
    return { vectors: Number(row!.vectors), active: JSON.parse(row!.active!) as number[] };
  }

  async hasVectors(name: string): Promise<boolean> {
    const column = this.columns.find((one) => one.name === name);
    if (column === undefined) return false;
    const [row] = await this.calls.select(
      `SELECT EXISTS (SELECT FROM ${this.layout.table.name} WHERE vector_${column.suffix} IS NOT NULL)::text AS found`,
      [],
      undefined,
    );
    return row!.found === "true";
  }

  async write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void> {
    this.checkIndexedDims(documents);
    const { columns } = this;
    const statement = upsertStatement(this.layout.table, columns);
    // To store the same documents twice is to store them once.
    await this.calls.change(signal, true, async (session) => {
      for (const rows of toRows(documents, columns)) {
        throwIfAborted(signal);
        await session.query(statement.sql, statement.valuesOf(rows));
      }
      throwIfAborted(signal);
    });
  }

  remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    const bindings = new Bindings();
    return this.removeWhere(`key IN (${keysOf(ids, bindings)} ORDER BY 1)`, bindings, signal);
  }

  removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    const bindings = new Bindings();
    return this.removeWhere(compileFilter(node, bindings), bindings, signal);
  }

  async read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const { columns } = this;
    const { table } = this.layout;
    const bindings = new Bindings();
    const condition = table.where(bindings, [`key IN (${keysOf(ids, bindings)})`]);
    const sql = `SELECT ${selectedColumns(columns)} FROM ${table.name} WHERE ${condition}`;
    const rows = await this.calls.select(sql, bindings.values, signal);
    return new Map(
      rows.map((row) => {
        const document = fromRow(row, columns);
        return [document.id, document];
      }),
    );
  }

  async count(filter: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number> {
    const { table } = this.layout;
    const bindings = new Bindings();
    const condition = table.where(bindings, filter === undefined ? [] : [compileFilter(filter, bindings)]);
    const sql = `SELECT count(*)::text AS count FROM ${table.name} WHERE ${condition}`;
    const [row] = await this.calls.select(sql, bindings.values, signal);
    return Number(row!.count);
  }

  async *pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    const { table } = this.layout;
    let last = after;
    for (;;) {
      const { columns } = this;
      const bindings = new Bindings();
      const conditions = [`key > decode(${bindings.add(toKey(last), "text")}, 'hex')`];
      if (node !== undefined) conditions.push(compileFilter(node, bindings));
      const rows = await this.calls.select(
        `SELECT ${selectedColumns(columns)} FROM ${table.name} ` +
          `WHERE ${table.where(bindings, conditions)} ORDER BY key LIMIT ${batchSize}`,
        bindings.values,
        signal,
      );
      if (rows.length > 0) yield rows.map((row) => fromRow(row, columns));
      if (rows.length < batchSize) return;
      last = unescapeText(rows.at(-1)!.id!);
    }
  }

  async rankSparse(query: BackendQuery<SparseVector>): Promise<StoreHit[]> {
    const candidates = this.candidates(query);
    const statement = sparseSearch(this.layout.table, this.column(query.name), query, candidates);
    return this.search(statement, query, candidates, (distance) => -distance);
  }

  async rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]> {
    const candidates = this.candidates(query);
    const { field } = query;
    const column = this.column(query.name);
    const isCosine = field.kind === "dense" && field.metric === "cosine";
    const statement = denseSearch(this.layout.table, column, query, candidates);
    return this.search(statement, query, candidates, (distance) => (isCosine ? 1 - distance : -distance));
  }

  async close(): Promise<void> {
    await this.calls.close();
  }

  private async search(
    { sql, values }: SearchStatement,
    { signal }: BackendQuery,
    candidates: number | undefined,
    toScore: (distance: number) => number,
  ): Promise<StoreHit[]> {
    const rows =
      candidates === undefined
        ? await this.calls.select(sql, values, signal)
        : await this.calls.change(signal, true, async (session) => {
            await session.query(
              "SELECT set_config('hnsw.ef_search', $1::text, true), set_config('hnsw.iterative_scan', 'strict_order', true)",
              [`${Math.min(1000, candidates)}`],
            );
            return session.query(sql, values);
          });
    return rows.map((row) => ({
      id: unescapeText(row.id!),
      score: toScore(Number(row.distance)),
      text: unescapeText(row.text!),
      metadata: parseMetadata(row.metadata!),
    }));
  }

  /** How many an approximate index is asked for; undefined without one. */
  private candidates({ name, k }: BackendQuery): number | undefined {
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
        throw unsupported(
          this,
          `takes at most ${maximumIndexedDims} active dims where an HNSW index refuses long vectors. Document ${received(id)}, ` +
            `vector ${received(name)} has ${vector.activeDims}; encode with maxActiveDims, or set hnsw.${name}.longVectors to "cut".`,
        );
      }
    }
  }

  private async removeWhere(
    condition: string,
    bindings: Bindings,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const { table } = this.layout;
    const own = table.where(bindings, [condition]);
    // Not to be repeated where it may have happened: the second count would be another.
    const [row] = await this.calls.change(signal, false, (session) =>
      session.query(
        `WITH deleted AS (DELETE FROM ${table.name} WHERE ${own} RETURNING 1) SELECT count(*)::text AS count FROM deleted`,
        bindings.values,
      ),
    );
    return Number(row!.count);
  }
}
