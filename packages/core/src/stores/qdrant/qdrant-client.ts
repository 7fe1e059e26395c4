/** A point as the server gives it. */
export interface QdrantPoint {
  readonly id: string | number;
  readonly score?: number;
  readonly payload?: Readonly<Record<string, unknown>> | null | undefined;
  readonly vector?: unknown;
}

/** As much of `QdrantClient` of the package `@qdrant/js-client-rest` as is used. */
export interface QdrantConnection {
  /** Clients that lack it are asked nothing. */
  versionInfo?(): Promise<{ version: string }>;
  collectionExists(collection: string): Promise<{ exists: boolean }>;
  createCollection(collection: string, request: object): Promise<boolean>;
  updateCollection(collection: string, request: object): Promise<boolean>;
  getCollection(collection: string): Promise<object>;
  getAliases(): Promise<{ aliases: { alias_name: string; collection_name: string }[] }>;
  updateCollectionAliases(request: object): Promise<unknown>;
  createPayloadIndex(collection: string, request: object): Promise<unknown>;
  upsert(collection: string, request: object): Promise<unknown>;
  delete(collection: string, request: object): Promise<unknown>;
  retrieve(collection: string, request: object): Promise<QdrantPoint[]>;
  count(collection: string, request: object): Promise<{ count: number }>;
  scroll(collection: string, request: object): Promise<{ points: QdrantPoint[]; next_page_offset?: unknown }>;
  query(collection: string, request: object): Promise<{ points: QdrantPoint[] }>;
}
