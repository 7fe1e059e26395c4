import { received, SparseEncoderError } from "../../errors.ts";
import type { PostgresSession } from "./database/postgres-database.ts";

/** Whoever sets up or adds waits for the others; it ends with the transaction. */
export async function lockLayout(session: PostgresSession): Promise<void> {
  await session.query("SELECT pg_advisory_xact_lock(hashtext('sparse_encoder_stores'))::text");
}

/**
 * Checks that the database can hold a store, and gives it pgvector if it has none.
 * @throws SparseEncoderError `STORE_UNSUPPORTED`, `STORE_FAILED`; errors of the server
 */
export async function checkServer(session: PostgresSession): Promise<void> {
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
