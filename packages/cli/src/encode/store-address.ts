import { MemoryStore, type Store, type VectorSchema } from "@sparse-encoder/core";
import { MilvusStore, OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import { usageError } from "../command-error.ts";

/** What a store is opened with. */
export interface StoreOpening {
  readonly vectors: VectorSchema;
  /** Name of the model of the vectors. */
  readonly model: string;
}

/** Forms of an address, for `--help` and messages. */
export const storeAddresses = [
  "folder:<path>",
  "pglite:<path>",
  "postgres://user:password@host/database?table=name",
  "qdrant+http://host:6333/collection",
  "opensearch+https://host:9200/index",
  "milvus://host:19530/collection",
] as const;

/**
 * Opens the store of an address. Secrets come from the environment: QDRANT_API_KEY, OPENSEARCH_USERNAME and
 * OPENSEARCH_PASSWORD, MILVUS_TOKEN.
 * @throws CommandError for an address of another form; SparseEncoderError of the store
 */
export async function openStore(address: string, opening: StoreOpening): Promise<Store> {
  const [, scheme, rest] = /^(folder|pglite):(.+)$/.exec(address) ?? [];
  if (scheme === "folder") return MemoryStore.open(rest!, opening);
  if (scheme === "pglite") return PostgresStore.open({ folder: rest!, ...opening });
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const protocol = url?.protocol.slice(0, -1) ?? "";
  if (url !== undefined && /^postgres(ql)?$/.test(protocol)) return openPostgres(url, opening);
  const [, engine, transport] = /^(qdrant|opensearch)\+(https?)$/.exec(protocol) ?? [];
  const name = decodeURIComponent(url?.pathname.replace(/^\//, "") ?? "") || undefined;
  if (engine === "qdrant") {
    const apiKey = process.env.QDRANT_API_KEY;
    return QdrantStore.open({ url: `${transport}://${url!.host}`, collection: name, apiKey, ...opening });
  }
  if (engine === "opensearch") {
    const { OPENSEARCH_USERNAME: username, OPENSEARCH_PASSWORD: password } = process.env;
    const auth = username !== undefined && password !== undefined ? { username, password } : undefined;
    return OpenSearchStore.open({ url: `${transport}://${url!.host}`, index: name, auth, ...opening });
  }
  if (protocol === "milvus") {
    const token = process.env.MILVUS_TOKEN;
    return MilvusStore.open({ address: url!.host, collection: name, token, ...opening });
  }
  throw usageError(
    `${JSON.stringify(withoutPassword(address))} is not the address of a store. Forms: ${storeAddresses.join(", ")}.`,
  );
}

/** An address as messages and checkpoints may have it. */
export function withoutPassword(address: string): string {
  return address
    .replace(/(\/\/[^:@/]*):[^@]*@/, "$1@")
    .replace(/([?&](?:password|sslpassword)=)[^&]*/g, "$1");
}

function openPostgres(url: URL, opening: StoreOpening): Promise<Store> {
  const table = url.searchParams.get("table") ?? undefined;
  url.searchParams.delete("table");
  return PostgresStore.open({ url: url.href, table, ...opening });
}
