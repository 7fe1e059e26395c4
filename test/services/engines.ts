import { MilvusStore, OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import { inject } from "vitest";

const servers = inject("servers");
const { prefix } = servers;

/** The name of what a run makes under this one, so that only that run has it. */
export const ownName = (name: string) => `${prefix}${name}`;

/** Opens a table of the database of this run. */
export function openPostgres(options: Parameters<typeof PostgresStore.open>[0] = {}): Promise<PostgresStore> {
  return PostgresStore.open({ url: servers.postgres.url, ...options });
}

/** Opens a collection of this run. */
export function openMilvus({
  collection = "documents",
  ...options
}: Parameters<typeof MilvusStore.open>[0]): Promise<MilvusStore> {
  const { address, token } = servers.milvus;
  return MilvusStore.open({ address, token, collection: ownName(collection), ...options });
}

/** Opens an index of this run. Searches see at once what was written. */
export function openOpenSearch({
  index = "documents",
  ...options
}: Parameters<typeof OpenSearchStore.open>[0]): Promise<OpenSearchStore> {
  const { url, auth, tls } = servers.opensearch!;
  return OpenSearchStore.open({ url, auth, tls, index: ownName(index), refresh: true, ...options });
}

/** Opens a collection of this run. */
export function openQdrant({
  collection = "documents",
  ...options
}: Parameters<typeof QdrantStore.open>[0]): Promise<QdrantStore> {
  const { url, apiKey } = servers.qdrant!;
  return QdrantStore.open({ url, apiKey, collection: ownName(collection), ...options });
}

/** What stands behind the name of a group of tests whose server is missing. */
export const because = (reason: string) => (reason === "" ? "" : ` (${reason})`);
