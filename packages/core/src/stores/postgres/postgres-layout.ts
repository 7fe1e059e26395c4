import { received, SparseEncoderError } from "../../errors.ts";
import { checkModel } from "../../index/index.ts";
import { checkTenancy } from "../tenant.ts";
import { describeField, encoderOf, type ResolvedField, sameField } from "../vector-fields.ts";
import type { PostgresSession } from "./database/postgres-database.ts";
import { DocumentTable } from "./document-table.ts";
import { type Column, columnsOf, suffixOf } from "./postgres-column.ts";
import { PostgresIndexes } from "./postgres-indexes.ts";
import type { ResolvedPostgresOptions } from "./postgres-options.ts";
import { checkServer, lockLayout } from "./postgres-server.ts";

/** Version of the tables. */
const format = 1;

/** Version of tables with tenants: libraries that know of none refuse it. */
const tenantFormat = 2;

/** Dimensions that the types of pgvector take. */
const maximumDimension = { sparse: 1_000_000_000, dense: 16_000 };

/** What the table of stores says of one of them. */
interface Description {
  readonly format: number;
  readonly model: string | null;
  /** There, and true, for a table that keeps documents by tenant. */
  readonly tenants?: true;
  readonly columns: readonly Column[];
}

/**
 * The tables of a store: one of its documents, and one that all stores of the schema share, with their versions, models
 * and names of vectors.
 *
 * `key` is the id in UTF-16, big-endian: its bytes order as the code units do, and its length stays below what an index
 * takes. In a table with tenants the column `tenant` stands before it. A sparse vector that has negative weights has its absolute values beside it, which tell whether it shares a dim
 * with a query; one of more than 1,000 dims has what an HNSW index takes of it.
 */
export class PostgresLayout {
  readonly table: DocumentTable;
  private readonly options: ResolvedPostgresOptions;
  private readonly stores: string;
  readonly indexes: PostgresIndexes;

  constructor(options: ResolvedPostgresOptions) {
    this.options = options;
    this.table = new DocumentTable(`"${options.schema}"."${options.table}"`, options.tenant);
    this.stores = `"${options.schema}"."sparse_encoder_stores"`;
    this.indexes = new PostgresIndexes(options, this.table);
  }

  /**
   * Sets up what is missing, and checks what is there.
   * @throws SparseEncoderError `STORE_MISMATCH`, `STORE_UNSUPPORTED`; errors of the server
   */
  async setUp(session: PostgresSession): Promise<Column[]> {
    const { schema, declared, model, tenant, hnsw, filterIndexes } = this.options;
    await lockLayout(session);
    await checkServer(session);
    const [namespace] = await session.query("SELECT to_regnamespace($1::text)::text AS found", [
      `"${schema}"`,
    ]);
    if (namespace?.found == null) await session.query(`CREATE SCHEMA "${schema}"`);
    let description = await this.describe(session);
    if (description === undefined) {
      const own = { model: model ?? null, columns: [] };
      description =
        tenant === undefined ? { format, ...own } : { format: tenantFormat, tenants: true, ...own };
      await this.create(session, description);
    }
    const place = `The table ${this.table.name}`;
    checkTenancy(place, description.tenants !== undefined, tenant);
    checkModel(place, description.model, model);
    for (const { name, field } of description.columns) {
      const wanted = declared?.get(name);
      if (wanted === undefined || sameField(wanted, field)) continue;
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `${place} has vectors named ${received(name)} that are ${describeField(field)}, not ${describeField(wanted)} as the option vectors says.`,
      );
    }
    const columns = await this.add(session, description, declared ?? new Map());
    for (const name of hnsw.keys()) {
      if (declared !== undefined && !declared.has(name)) {
        throw new SparseEncoderError(
          "INVALID_ARGUMENT",
          `PostgresStore.open: hnsw.${name}: the option vectors has no such name.`,
        );
      }
    }
    for (const [field, kind] of filterIndexes) await this.indexes.addFilterIndex(session, field, kind);
    return columns;
  }

  /** Names of vectors as they stand in the database. */
  async columns(session: PostgresSession): Promise<readonly Column[]> {
    return (await this.describe(session))?.columns ?? [];
  }

  /** Adds names of vectors that others have not added meanwhile. */
  async addColumns(session: PostgresSession, added: ReadonlyMap<string, ResolvedField>): Promise<Column[]> {
    await lockLayout(session);
    const description = await this.describe(session);
    if (description === undefined) throw this.gone();
    return this.add(session, description, added);
  }

  /**
   * Keeps what made the vectors of a name.
   * @throws SparseEncoderError `STORE_MISMATCH` if another process has kept something else meanwhile
   */
  async keepEncoder(
    session: PostgresSession,
    name: string,
    field: ResolvedField,
    known: ResolvedField | undefined,
  ): Promise<Column[]> {
    await lockLayout(session);
    const description = await this.describe(session);
    if (description === undefined) throw this.gone();
    const current = description.columns.find((column) => column.name === name);
    if (current === undefined) return this.add(session, description, new Map([[name, field]]));
    if (!sameField(current.field, field) && encoderOf(current.field) !== encoderOf(known)) {
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `The vectors named ${received(name)} of the table ${this.table.name} are now ${describeField(current.field)}; open the store again.`,
      );
    }
    const columns = description.columns.map((column) =>
      column === current ? { ...current, field } : column,
    );
    const changed = { ...description, columns };
    await this.save(session, changed);
    return this.add(session, changed, new Map());
  }

  private gone(): SparseEncoderError {
    return new SparseEncoderError(
      "STORE_FAILED",
      `The table ${this.table.name} is gone: open the store again to set it up.`,
    );
  }

  private async describe(session: PostgresSession): Promise<Description | undefined> {
    const [{ stores, documents } = {}] = await session.query(
      "SELECT to_regclass($1::text)::text AS stores, to_regclass($2::text)::text AS documents",
      [this.stores, this.table.name],
    );
    const [row] =
      stores == null
        ? []
        : await session.query(`SELECT description::text FROM ${this.stores} WHERE name = $1::text`, [
            this.options.table,
          ]);
    if (row === undefined) {
      if (documents == null) return undefined;
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `There is a table ${this.table.name} that no PostgresStore made; use the option table for another name.`,
      );
    }
    // It was dropped by hand; its description means nothing then.
    if (documents == null) {
      await session.query(`DELETE FROM ${this.stores} WHERE name = $1::text`, [this.options.table]);
      return undefined;
    }
    const description = JSON.parse(row.description!) as Description;
    if (description.format > tenantFormat) {
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `The table ${this.table.name} has version ${description.format}, this library knows up to ${tenantFormat}; update it.`,
      );
    }
    return description;
  }

  private async create(session: PostgresSession, description: Description): Promise<void> {
    await session.query(
      `CREATE TABLE IF NOT EXISTS ${this.stores} (name text PRIMARY KEY, description jsonb NOT NULL)`,
    );
    const { name, tenant, identity } = this.table;
    const own = tenant === undefined ? "" : 'tenant text COLLATE "C" NOT NULL, ';
    await session.query(
      `CREATE TABLE ${name} (${own}key bytea NOT NULL, id text NOT NULL, text text NOT NULL, metadata jsonb NOT NULL, ` +
        `PRIMARY KEY (${identity.join(", ")}))`,
    );
    await session.query(`INSERT INTO ${this.stores} VALUES ($1::text, $2::jsonb)`, [
      this.options.table,
      JSON.stringify(description),
    ]);
  }

  private async save(session: PostgresSession, description: Description): Promise<void> {
    await session.query(`UPDATE ${this.stores} SET description = $2::jsonb WHERE name = $1::text`, [
      this.options.table,
      JSON.stringify(description),
    ]);
  }

  private async add(
    session: PostgresSession,
    description: Description,
    added: ReadonlyMap<string, ResolvedField>,
  ): Promise<Column[]> {
    const columns = [...description.columns];
    for (const [name, field] of added) {
      if (columns.some((column) => column.name === name)) continue;
      if (field.dimension > maximumDimension[field.kind]) {
        throw new SparseEncoderError(
          "STORE_UNSUPPORTED",
          `The postgres store takes at most ${maximumDimension[field.kind]} dimensions of ${field.kind} vectors; those named ${received(name)} have ${field.dimension}.`,
        );
      }
      const column = { name, field, suffix: suffixOf(name, columns) };
      columns.push(column);
      for (const part of columnsOf(column)) {
        await session.query(
          `ALTER TABLE ${this.table.name} ADD COLUMN ${part.column} ${part.type}(${field.dimension})`,
        );
      }
      if (field.kind === "sparse") {
        await this.indexes.addSigns(session, column);
      }
    }
    if (columns.length > description.columns.length) {
      await this.save(session, { ...description, columns });
    }
    for (const column of columns) {
      if (encoderOf(column.field) !== undefined) await this.indexes.addDims(session, column);
      const options = this.options.hnsw.get(column.name);
      if (options !== undefined) await this.indexes.addHnsw(session, column, options);
    }
    return columns;
  }
}
