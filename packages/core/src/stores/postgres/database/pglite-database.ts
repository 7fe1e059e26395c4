import { mkdir } from "node:fs/promises";
import path from "node:path";
import { WriterLock } from "../../../disk/index.ts";
import { notInstalled } from "../../engine/optional-package.ts";
import type { PostgresDatabase, PostgresSession, Row } from "./postgres-database.ts";

interface PgliteSession {
  query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** As much of `PGlite` as is used. */
export interface PgliteClient extends PgliteSession {
  transaction<Result>(work: (session: PgliteSession) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** Postgres in this process. Statements run one after the other. */
export class PgliteDatabase implements PostgresDatabase {
  readonly overlaps = false;
  private readonly client: PgliteClient;
  private readonly owned: boolean;
  private readonly lock: WriterLock | undefined;

  /** @param owned true if closing ends the client */
  constructor(client: PgliteClient, owned: boolean, lock?: WriterLock) {
    this.client = client;
    this.owned = owned;
    this.lock = lock;
  }

  /**
   * Opens a folder, or only memory. PGlite has no lock of its own, and two processes that write to one folder lose rows
   * without an error.
   */
  static async open(folder: string | undefined): Promise<PgliteDatabase> {
    const packages = "@electric-sql/pglite@0.5.14 @electric-sql/pglite-pgvector@0.0.15";
    const refuse = notInstalled("A PostgresStore in a folder", packages);
    const [{ PGlite }, { vector }] = await Promise.all([
      import(/* webpackIgnore: true */ /* @vite-ignore */ "@electric-sql/pglite").catch(refuse),
      import(/* webpackIgnore: true */ /* @vite-ignore */ "@electric-sql/pglite-pgvector").catch(refuse),
    ]);
    const create = (dataDir: string) => PGlite.create({ dataDir, extensions: { vector } });
    if (folder === undefined) return new PgliteDatabase(await create("memory://"), true);
    await mkdir(folder, { recursive: true });
    const lock = await WriterLock.acquire(path.join(folder, "lock"));
    try {
      return new PgliteDatabase(await create(path.join(path.resolve(folder), "postgres")), true, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async query(sql: string, values: readonly string[] = []): Promise<readonly Row[]> {
    return (await this.client.query(sql, [...values])).rows as Row[];
  }

  async transaction<Result>(work: (session: PostgresSession) => Promise<Result>): Promise<Result> {
    await this.lock?.check();
    return this.client.transaction((session) =>
      work({ query: async (sql, values = []) => (await session.query(sql, [...values])).rows as Row[] }),
    );
  }

  async close(): Promise<void> {
    if (!this.owned) return;
    try {
      await this.client.close();
    } finally {
      await this.lock?.release();
    }
  }
}
