import { received, SparseEncoderError } from "../../errors.ts";
import {
  type AliasEngine,
  type AliasResult,
  type AliasTarget,
  checkAlias,
  switchAlias,
} from "../store-alias.ts";
import type { PostgresSession } from "./database/postgres-database.ts";
import type { PostgresCalls } from "./postgres-calls.ts";
import type { Column } from "./postgres-column.ts";
import { PostgresLayout } from "./postgres-layout.ts";
import type { ResolvedPostgresOptions } from "./postgres-options.ts";
import { lockLayout } from "./postgres-server.ts";

/** A table that was opened, by its own name or by an alias. */
export interface OpenedTable {
  readonly layout: PostgresLayout;
  /** With the name of the table itself. */
  readonly options: ResolvedPostgresOptions;
  /** The alias by which the table was opened; undefined for the name of the table. */
  readonly alias: string | undefined;
  readonly columns: readonly Column[];
}

/**
 * Opens the table of a name, and sets up what is missing.
 * @throws SparseEncoderError `STORE_MISMATCH`, `STORE_UNSUPPORTED`; errors of the server
 */
export async function openTable(
  session: PostgresSession,
  options: ResolvedPostgresOptions,
): Promise<OpenedTable> {
  await lockLayout(session);
  const table = await new PostgresAliases(options.schema).tableOf(session, options.table);
  const resolved = { ...options, table };
  const layout = new PostgresLayout(resolved);
  const columns = await layout.setUp(session);
  return { layout, options: resolved, alias: table === options.table ? undefined : options.table, columns };
}

/**
 * Checks that the alias by which a table was opened still names it.
 * @throws SparseEncoderError `STORE_MISMATCH`
 */
export async function checkTableAlias(
  calls: PostgresCalls,
  { schema, table }: ResolvedPostgresOptions,
  alias: string | undefined,
): Promise<void> {
  if (alias === undefined) return;
  const aliases = new PostgresAliases(schema);
  const targetOf = (name: string) =>
    calls.change(undefined, true, (session) => aliases.targetOf(session, name));
  await checkAlias({ targetOf }, alias, table);
}

/** The aliases of the tables of a schema: rows of a table that all stores of the schema share. */
export class PostgresAliases {
  private readonly schema: string;
  private readonly aliases: string;

  constructor(schema: string) {
    this.schema = schema;
    this.aliases = `"${schema}"."sparse_encoder_aliases"`;
  }

  /** The table that an alias names; undefined if there is no such alias. */
  async targetOf(session: PostgresSession, alias: string): Promise<string | undefined> {
    if (!(await exists(session, this.aliases))) return undefined;
    const [row] = await session.query(`SELECT target FROM ${this.aliases} WHERE alias = $1::text`, [alias]);
    return row?.target ?? undefined;
  }

  /**
   * The table that a name stands for: the name itself if it is not an alias.
   * @throws SparseEncoderError `STORE_MISMATCH` for an alias of a table that is gone
   */
  async tableOf(session: PostgresSession, name: string): Promise<string> {
    const target = await this.targetOf(session, name);
    if (target === undefined) return name;
    if (await exists(session, this.tableNamed(target))) return target;
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `The alias ${received(name)} names the table ${received(target)}, which is gone; let it name another one with PostgresStore.switchAlias.`,
    );
  }

  /** Lets an alias name another table; all of it in one transaction, in which no other switch is made. */
  async switch(session: PostgresSession, target: AliasTarget): Promise<AliasResult> {
    await lockLayout(session);
    return switchAlias(this.engine(session), target);
  }

  private engine(session: PostgresSession): AliasEngine {
    return {
      call: "PostgresStore.switchAlias",
      what: "table",
      targetOf: (alias) => this.targetOf(session, alias),
      exists: (table) => exists(session, this.tableNamed(table)),
      check: async (table) => {
        const stores = `"${this.schema}"."sparse_encoder_stores"`;
        const [row] = (await exists(session, stores))
          ? await session.query(`SELECT name FROM ${stores} WHERE name = $1::text`, [table])
          : [];
        if (row !== undefined) return;
        throw new SparseEncoderError(
          "STORE_MISMATCH",
          `The table ${this.tableNamed(table)} was not made by a PostgresStore, so an alias of it would open nothing.`,
        );
      },
      point: async (alias, to) => {
        await session.query(
          `CREATE TABLE IF NOT EXISTS ${this.aliases} (alias text PRIMARY KEY, target text NOT NULL)`,
        );
        await session.query(
          `INSERT INTO ${this.aliases} VALUES ($1::text, $2::text) ON CONFLICT (alias) DO UPDATE SET target = EXCLUDED.target`,
          [alias, to],
        );
      },
    };
  }

  private tableNamed(name: string): string {
    return `"${this.schema}"."${name}"`;
  }
}

async function exists(session: PostgresSession, table: string): Promise<boolean> {
  const [row] = await session.query("SELECT to_regclass($1::text)::text AS found", [table]);
  return row?.found != null;
}
