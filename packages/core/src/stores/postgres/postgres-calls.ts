import { withRetries } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import {
  type PostgresDatabase,
  type PostgresSession,
  type Row,
  UnknownOutcome,
} from "./database/postgres-database.ts";
import { mayPass, postgresFailure } from "./postgres-failure.ts";

/** Milliseconds before the second try of a call. */
const firstDelay = 200;

/** How a store asks its database: again where that may help; what it throws are errors of this library. */
export class PostgresCalls {
  private readonly database: PostgresDatabase;
  private readonly retries: number;
  private readonly secrets: readonly string[];

  /** @param secrets passwords, which no error shows */
  constructor(database: PostgresDatabase, retries: number, secrets: readonly string[]) {
    this.database = database;
    this.retries = retries;
    this.secrets = secrets;
  }

  async select(
    sql: string,
    values: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Row[]> {
    return this.attempt(signal, mayPass, () => this.database.query(sql, values));
  }

  /** @param repeatable true if doing it twice is the same as doing it once */
  async change<Result>(
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
      return await withRetries({ retries: this.retries, delay: firstDelay }, signal, again, call);
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

  async close(): Promise<void> {
    await this.database.close();
  }
}
