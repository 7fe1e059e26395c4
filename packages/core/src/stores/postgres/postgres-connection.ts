import { SparseEncoderError } from "../../errors.ts";
import { notInstalled } from "../engine/optional-package.ts";
import { type PgliteClient, PgliteDatabase } from "./database/pglite-database.ts";
import type { PostgresDatabase } from "./database/postgres-database.ts";
import { type PostgresPool, ServerDatabase } from "./database/server-database.ts";
import { postgresFailure } from "./postgres-failure.ts";
import type { PostgresStoreOptions, ResolvedPostgresOptions } from "./postgres-options.ts";

/** A way to a database, and what messages may not show of it. */
export interface Connected {
  readonly database: PostgresDatabase;
  readonly secrets: readonly string[];
  /** True if the database outlives this process. */
  readonly durable: boolean;
}

/** Longest wait for a connection to a server, in milliseconds. */
const maximumConnectTime = 10_000;

/** Milliseconds that the driver waits longer than the server may take: the server's own message says more. */
const driverPatience = 5000;

/** @throws SparseEncoderError `MISSING_PACKAGE`, `STORE_LOCKED`, `STORE_FAILED`, `INVALID_ARGUMENT` */
export async function connect(
  { url, folder, client, tls }: PostgresStoreOptions,
  options: Pick<ResolvedPostgresOptions, "connections" | "timeout">,
): Promise<Connected> {
  if (folder !== undefined) return openFolder(folder);
  if (url !== undefined)
    return { database: await openPool(url, tls, options), secrets: secretsOf(url), durable: true };
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

/** Passwords and keys of a URL, as they stand in it and decoded, and the password that the driver takes from the environment. */
export function secretsOf(url: string): string[] {
  const query = url.slice(url.indexOf("?") + 1).split("#")[0]!;
  const written = [
    /^[a-z]+:\/\/[^:@/]*:([^/]*)@/.exec(url)?.[1] ?? "",
    ...(url.includes("?") ? query.split("&") : [])
      .map((entry) => /^([^=]*)=(.*)$/s.exec(entry))
      .filter((entry) => /pass|secret|token|key/i.test(decoded(entry?.[1] ?? "")))
      .map((entry) => entry![2]!),
  ];
  const secrets = written.flatMap((secret) => [
    secret,
    decoded(secret),
    decoded(secret.replaceAll("+", " ")),
  ]);
  return [...new Set([...secrets, process.env.PGPASSWORD ?? ""])].filter((secret) => secret !== "");
}

async function openFolder(folder: string): Promise<Connected> {
  const isMemory = folder === "memory://";
  try {
    const database = await PgliteDatabase.open(isMemory ? undefined : folder);
    return { database, secrets: [], durable: !isMemory };
  } catch (error) {
    throw postgresFailure(error, []);
  }
}

async function openPool(
  url: string,
  tls: PostgresStoreOptions["tls"],
  { connections, timeout }: Pick<ResolvedPostgresOptions, "connections" | "timeout">,
): Promise<PostgresDatabase> {
  const { default: pg } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "pg").catch(
    notInstalled("A PostgresStore on a server", "pg"),
  );
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: Math.min(timeout, maximumConnectTime),
    statement_timeout: timeout,
    query_timeout: timeout + driverPatience,
    keepAlive: true,
    application_name: "sparse-encoder",
    ...(tls === undefined ? {} : { ssl: tls }),
  });
  // A connection that ends while nobody uses it is replaced when needed.
  pool.on("error", () => {});
  return new ServerDatabase(pool, true);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
