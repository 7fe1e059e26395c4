import { createHash } from "node:crypto";
import { received, SparseEncoderError } from "../../errors.ts";
import type { PostgresSession } from "./database/postgres-database.ts";
import type { DocumentTable } from "./document-table.ts";
import type { Column } from "./postgres-column.ts";
import { indexedField, numberOf } from "./postgres-filter.ts";
import type { ResolvedHnsw, ResolvedPostgresOptions } from "./postgres-options.ts";

/** Dimensions that pgvector's indexes of dense vectors take. */
const maximumIndexedDimension = 2000;

const operatorClasses = { cosine: "vector_cosine_ops", dot: "vector_ip_ops", euclidean: "vector_l2_ops" };

/** A function that all stores of a schema share. */
const dimsFunction = "sparse_encoder_dims";

/** The indexes of the table of a store. All are made if missing. */
export class PostgresIndexes {
  private readonly options: ResolvedPostgresOptions;
  private readonly table: DocumentTable;

  constructor(options: ResolvedPostgresOptions, table: DocumentTable) {
    this.options = options;
    this.table = table;
  }

  /** Empty as long as no weight is negative: it tells so at once. */
  async addSigns(session: PostgresSession, { name, suffix }: Column): Promise<void> {
    await session.query(
      `CREATE INDEX "${this.nameOf("signed", name)}" ON ${this.table.name} (${this.table.identity.join(", ")}) WHERE absolute_${suffix} IS NOT NULL`,
    );
  }

  /** An index of the dims of sparse vectors, so that counting the documents that have one does not read them all. */
  async addDims(session: PostgresSession, { name, suffix }: Column): Promise<void> {
    await this.addFunction(session);
    await this.create(session, this.nameOf("dims", name), `USING gin ((${this.dimsOf(suffix)}))`);
  }

  /** The dims of a sparse vector as the index of {@link addDims} has them: from 1 on, as pgvector counts. */
  dimsOf(suffix: string): string {
    return `"${this.options.schema}"."${dimsFunction}"(vector_${suffix})`;
  }

  private async addFunction(session: PostgresSession): Promise<void> {
    const name = `"${this.options.schema}"."${dimsFunction}"`;
    const [existing] = await session.query("SELECT to_regproc($1::text)::text AS found", [name]);
    if (existing?.found != null) return;
    await session.query(
      `CREATE FUNCTION ${name}(given sparsevec) RETURNS int[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT ${dimsOfText("given::text")} $$`,
    );
  }

  async addHnsw(
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
    await this.create(
      session,
      this.nameOf("hnsw", name),
      `USING hnsw (${indexed}) WITH (m = ${options.m}, ef_construction = ${options.efConstruction})`,
    );
  }

  async addFilterIndex(session: PostgresSession, field: string, kind: "equality" | "range"): Promise<void> {
    const found = indexedField(field.split("."));
    const tenant = this.table.tenant === undefined ? "" : "tenant, ";
    const definition =
      kind === "equality" ? `USING gin (${found} jsonb_path_ops)` : `(${tenant}${numberOf(found)})`;
    await this.create(session, this.nameOf(kind, field), definition);
  }

  private async create(session: PostgresSession, name: string, definition: string): Promise<void> {
    const [existing] = await session.query("SELECT to_regclass($1::text)::text AS found", [
      `"${this.options.schema}"."${name}"`,
    ]);
    if (existing?.found != null) return;
    await session.query("SELECT set_config('statement_timeout', '0', true)");
    await session.query(`CREATE INDEX "${name}" ON ${this.table.name} ${definition}`, [], true);
  }

  /** Names of 63 bytes at most, the same each time. */
  private nameOf(kind: string, of: string): string {
    const digest = createHash("sha256").update(`${kind} ${of}`).digest("hex").slice(0, 10);
    return `${this.options.table}_${kind}_${digest}`;
  }
}

/** What an HNSW index of sparse vectors holds. */
export function indexedVector(suffix: string, dimension: number): string {
  return `COALESCE(short_${suffix}, vector_${suffix})::sparsevec(${dimension})`;
}

/** The dims of a sparse vector that is written as text, such as `{1:0.5,7:2}/10`: an array of them, from 1 on. */
export function dimsOfText(text: string): string {
  return `regexp_replace(split_part(${text}, '/', 1), ':[^,}]*', '', 'g')::int[]`;
}
