/** A row with every column cast to text. */
export type Row = Readonly<Record<string, string | null>>;

/** Statements of one transaction. */
export interface PostgresSession {
  /** @param slow true for what may take hours, such as building an index: no time limit of the client holds */
  query(sql: string, values?: readonly string[], slow?: boolean): Promise<readonly Row[]>;
}

/** A way to the database. Errors are the driver's. */
export interface PostgresDatabase extends PostgresSession {
  /** True if transactions may overlap. */
  readonly overlaps: boolean;
  /**
   * Commits what `work` did, or nothing of it if it throws.
   * @throws {@link UnknownOutcome} if the connection was lost while committing
   */
  transaction<Result>(work: (session: PostgresSession) => Promise<Result>): Promise<Result>;
  /** Frees what was opened here. */
  close(): Promise<void>;
}

/** The server was told to commit and did not answer: it may have done so. */
export class UnknownOutcome extends Error {}
