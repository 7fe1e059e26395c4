import { createHash } from "node:crypto";
import { received, SparseEncoderError } from "../../errors.ts";
import { checkModel } from "../../index/index.ts";
import type { DenseMetric } from "../../vector/index.ts";
import { describeField, type ResolvedField, sameField } from "../vector-fields.ts";
import type { PostgresSession } from "./postgres-database.ts";
import { indexedField, numberOf } from "./postgres-filter.ts";
import type { ResolvedHnsw, ResolvedPostgresOptions } from "./postgres-options.ts";

/** Version of the tables. */
const format = 1;

/** Dimensions that pgvector's types take, and its indexes of dense vectors. */
const maximumDimension = { sparse: 1_000_000_000, dense: 16_000 };
const maximumIndexedDimension = 2000;

/** A name of vectors and where they stand. */
export interface Column {
  readonly name: string;
  /** Part of the names of the columns. */
  readonly suffix: string;
  readonly field: ResolvedField;
}

/** What the table of stores says of one of them. */
interface Description {
  readonly format: number;
  readonly model: string | null;
  readonly columns: readonly Column[];
}

/** pgvector's operator of each metric; all give less for what is closer. */
export const distances: Readonly<Record<DenseMetric, string>> = {
  cosine: "<=>",
  dot: "<#>",
  euclidean: "<->",
};

const operatorClasses = { cosine: "vector_cosine_ops", dot: "vector_ip_ops", euclidean: "vector_l2_ops" };

/**
 * The tables of a store: one of its documents, and one that all stores of the schema share, with their versions, models
 * and names of vectors.
 *
 * `key` is the id in UTF-16, big-endian: its bytes order as the code units do, and its length stays below what an index
 * takes. A sparse vector that has negative weights has its absolute values beside it, which tell whether it shares a dim
 * with a query; one of more than 1,000 dims has what an HNSW index takes of it.
 */
export class PostgresLayout {
  readonly table: string;
  private readonly options: ResolvedPostgresOptions;
  private readonly stores: string;

  constructor(options: ResolvedPostgresOptions) {
    this.options = options;
    this.table = `"${options.schema}"."${options.table}"`;
    this.stores = `"${options.schema}"."sparse_encoder_stores"`;
  }

  /**
   * Sets up what is missing, and checks what is there.
   * @throws SparseEncoderError `STORE_MISMATCH`, `STORE_UNSUPPORTED`; errors of the server
   */
  async setUp(session: PostgresSession): Promise<Column[]> {
    const { schema, declared, model, hnsw, filterIndexes } = this.options;
    await lockLayout(session);
    await checkServer(session);
    const [namespace] = await session.query("SELECT to_regnamespace($1::text)::text AS found", [
      `"${schema}"`,
    ]);
    if (namespace?.found == null) await session.query(`CREATE SCHEMA "${schema}"`);
    let description = await this.describe(session);
    if (description === undefined) {
      description = { format, model: model ?? null, columns: [] };
      await this.create(session, description);
    }
    const place = `The table ${this.table}`;
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
    for (const [field, kind] of filterIndexes) await this.indexField(session, field, kind);
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

  private gone(): SparseEncoderError {
    return new SparseEncoderError(
      "STORE_FAILED",
      `The table ${this.table} is gone: open the store again to set it up.`,
    );
  }

  private async describe(session: PostgresSession): Promise<Description | undefined> {
    const [{ stores, documents } = {}] = await session.query(
      "SELECT to_regclass($1::text)::text AS stores, to_regclass($2::text)::text AS documents",
      [this.stores, this.table],
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
        `There is a table ${this.table} that no PostgresStore made; use the option table for another name.`,
      );
    }
    // It was dropped by hand; its description means nothing then.
    if (documents == null) {
      await session.query(`DELETE FROM ${this.stores} WHERE name = $1::text`, [this.options.table]);
      return undefined;
    }
    const description = JSON.parse(row.description!) as Description;
    if (description.format > format) {
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `The table ${this.table} has version ${description.format}, this library knows up to ${format}; update it.`,
      );
    }
    return description;
  }

  private async create(session: PostgresSession, description: Description): Promise<void> {
    await session.query(
      `CREATE TABLE IF NOT EXISTS ${this.stores} (name text PRIMARY KEY, description jsonb NOT NULL)`,
    );
    await session.query(
      `CREATE TABLE ${this.table} (key bytea PRIMARY KEY, id text NOT NULL, text text NOT NULL, metadata jsonb NOT NULL)`,
    );
    await session.query(`INSERT INTO ${this.stores} VALUES ($1::text, $2::jsonb)`, [
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
          `ALTER TABLE ${this.table} ADD COLUMN ${part.column} ${part.type}(${field.dimension})`,
        );
      }
      if (field.kind === "sparse") {
        // Empty as long as no weight is negative: it tells so at once.
        await session.query(
          `CREATE INDEX "${this.indexName("signed", name)}" ON ${this.table} (key) WHERE absolute_${column.suffix} IS NOT NULL`,
        );
      }
    }
    if (columns.length > description.columns.length) {
      await session.query(`UPDATE ${this.stores} SET description = $2::jsonb WHERE name = $1::text`, [
        this.options.table,
        JSON.stringify({ ...description, columns }),
      ]);
    }
    for (const column of columns) {
      const options = this.options.hnsw.get(column.name);
      if (options !== undefined) await this.indexVectors(session, column, options);
    }
    return columns;
  }

  private async indexVectors(
    session: PostgresSession,
    { name, field, suffix }: Column,
    options: ResolvedHnsw,
  ): Promise<void> {
    if (field.kind === "dense" && field.dimension > maximumIndexedDimension) {
      throw new SparseEncoderError(
        "STORE_UNSUPPORTED",
        `An HNSW index takes at most ${maximumIndexedDimension} dimensions; the vectors named ${received(name)} have ${field.dimension}. Leave hnsw.${name} out.`,
      );
    }
    const indexed =
      field.kind === "sparse"
        ? `(${indexedVector(suffix, field.dimension)}) sparsevec_ip_ops`
        : `vector_${suffix} ${operatorClasses[field.metric]}`;
    await this.createIndex(
      session,
      this.indexName("hnsw", name),
      `USING hnsw (${indexed}) WITH (m = ${options.m}, ef_construction = ${options.efConstruction})`,
    );
  }

  private async indexField(
    session: PostgresSession,
    field: string,
    kind: "equality" | "range",
  ): Promise<void> {
    const found = indexedField(field.split("."));
    const definition = kind === "equality" ? `USING gin (${found} jsonb_path_ops)` : `(${numberOf(found)})`;
    await this.createIndex(session, this.indexName(kind, field), definition);
  }

  private async createIndex(session: PostgresSession, name: string, definition: string): Promise<void> {
    const [existing] = await session.query("SELECT to_regclass($1::text)::text AS found", [
      `"${this.options.schema}"."${name}"`,
    ]);
    if (existing?.found != null) return;
    await session.query("SELECT set_config('statement_timeout', '0', true)");
    await session.query(`CREATE INDEX "${name}" ON ${this.table} ${definition}`, [], true);
  }

  /** Names of 63 bytes at most, the same each time. */
  private indexName(kind: string, of: string): string {
    const digest = createHash("sha256").update(`${kind} ${of}`).digest("hex").slice(0, 10);
    return `${this.options.table}_${kind}_${digest}`;
  }
}

/** The columns of a name of vectors, with pgvector's type. */
export function columnsOf({ suffix, field }: Column): { column: string; type: string }[] {
  if (field.kind === "dense") return [{ column: `vector_${suffix}`, type: "vector" }];
  return ["vector", "absolute", "short"].map((part) => ({ column: `${part}_${suffix}`, type: "sparsevec" }));
}

/** What an HNSW index of sparse vectors holds. */
export function indexedVector(suffix: string, dimension: number): string {
  return `COALESCE(short_${suffix}, vector_${suffix})::sparsevec(${dimension})`;
}

/** The name itself where it can be part of an identifier, else a number. */
function suffixOf(name: string, columns: readonly Column[]): string {
  return /^[a-z][a-z0-9_]{0,39}$/.test(name) ? name : `${columns.length}`;
}

/** Whoever sets up or adds waits for the others; it ends with the transaction. */
async function lockLayout(session: PostgresSession): Promise<void> {
  await session.query("SELECT pg_advisory_xact_lock(hashtext('sparse_encoder_stores'))::text");
}

async function checkServer(session: PostgresSession): Promise<void> {
  const [encoding] = await session.query("SELECT current_setting('server_encoding') AS encoding");
  if (encoding?.encoding !== "UTF8") {
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The postgres store needs a database of encoding UTF8, not ${received(encoding?.encoding)}.`,
    );
  }
  const version = () =>
    session.query("SELECT extversion::text AS version FROM pg_extension WHERE extname = 'vector'");
  let [extension] = await version();
  if (extension === undefined) {
    try {
      await session.query("CREATE EXTENSION vector");
    } catch (error) {
      throw new SparseEncoderError(
        "STORE_FAILED",
        `The postgres store needs the extension pgvector, and could not create it: ${(error as Error).message}. ` +
          "Install pgvector on the server, and let an administrator run CREATE EXTENSION vector once.",
        { cause: error },
      );
    }
    [extension] = await version();
  }
  const [major = 0, minor = 0] = (extension?.version ?? "").split(".").map(Number);
  if (major === 0 && minor < 7) {
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The postgres store needs pgvector 0.7 or later, which has sparse vectors; the database has ${extension?.version}. ` +
        "Update it with ALTER EXTENSION vector UPDATE.",
    );
  }
}
