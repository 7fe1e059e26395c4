import type { PostgresDatabase, PostgresSession, Row } from "./postgres-database.ts";
import { UnknownOutcome } from "./postgres-database.ts";

/** A statement as `pg` takes it. */
export interface PostgresStatement {
  text: string;
  values?: string[];
  query_timeout?: number;
}

/** A connection of a {@link PostgresPool}. */
export interface PostgresPoolClient {
  query(statement: PostgresStatement): Promise<{ rows: unknown[] }>;
  on?(event: "error", listener: () => void): unknown;
  removeListener?(event: "error", listener: () => void): unknown;
  release(error?: Error | boolean): void;
}

/** As much of the `Pool` of the package `pg` as is used. */
export interface PostgresPool {
  connect(): Promise<PostgresPoolClient>;
  query(statement: PostgresStatement): Promise<{ rows: unknown[] }>;
  end(): Promise<void>;
}

/** A Postgres server, through a pool of connections. */
export class ServerDatabase implements PostgresDatabase {
  readonly overlaps = true;
  private readonly pool: PostgresPool;
  private readonly owned: boolean;

  /** @param owned true if closing ends the pool */
  constructor(pool: PostgresPool, owned: boolean) {
    this.pool = pool;
    this.owned = owned;
  }

  async query(sql: string, values: readonly string[] = []): Promise<readonly Row[]> {
    return (await this.pool.query({ text: sql, values: [...values] })).rows as Row[];
  }

  async transaction<Result>(work: (session: PostgresSession) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    // A connection that ends says so by an event too, which without a listener would end the process.
    client.on?.("error", ignore);
    try {
      await client.query({ text: "BEGIN" });
      const result = await work({
        query: async (sql, values = [], slow = false) => {
          const limit = slow ? { query_timeout: 2 ** 31 - 1 } : {};
          return (await client.query({ text: sql, values: [...values], ...limit })).rows as Row[];
        },
      });
      await client.query({ text: "COMMIT" }).catch((error: Error) => {
        // The server says no with a SQLSTATE. Anything else says nothing about what it did.
        throw isAnswer(error) ? error : new UnknownOutcome(error.message, { cause: error });
      });
      return result;
    } catch (error) {
      await client.query({ text: "ROLLBACK" }).catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.removeListener?.("error", ignore);
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    if (this.owned) await this.pool.end();
  }
}

function ignore(): void {}

function isAnswer(error: Error): boolean {
  return "severity" in error && "code" in error && !String(error.code).startsWith("57P");
}
