import { MilvusServer } from "./milvus-server.ts";
import { PostgresServer } from "./postgres-server.ts";

/**
 * Starts both servers; if one fails to start, the other does not stay.
 * @param packages the folder that `installServers` gives
 */
export async function startServers(packages: string): Promise<[PostgresServer, MilvusServer]> {
  const [postgres, milvus] = await Promise.allSettled([
    PostgresServer.start(packages),
    MilvusServer.start(packages),
  ]);
  if (postgres.status === "fulfilled" && milvus.status === "fulfilled") {
    return [postgres.value, milvus.value];
  }
  for (const started of [postgres, milvus]) {
    if (started.status === "fulfilled") await started.value.stop();
  }
  throw postgres.status === "rejected" ? postgres.reason : (milvus as PromiseRejectedResult).reason;
}
