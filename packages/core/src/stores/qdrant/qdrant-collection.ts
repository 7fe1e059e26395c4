import { pause } from "../../calls/index.ts";
import { received } from "../../errors.ts";
import {
  type CheckedCollection,
  type CollectionDescription,
  checkDescription,
  checkOwn,
  newDescription,
  noAliasOfOthers,
  parseDescription,
  withEncoder,
} from "../engine/collection-description.ts";
import { dimField } from "../engine/dim-field.ts";
import { askIfAllowed, checkServerVersion } from "../engine/server-version.ts";
import { encoderOf, type ResolvedField } from "../vector-fields.ts";
import type { QdrantConnection } from "./qdrant-client.ts";
import { tenantField } from "./qdrant-filter.ts";
import type { ResolvedQdrantOptions } from "./qdrant-options.ts";

/** From this one on it keeps metadata of collections. */
const neededVersion = { store: "qdrant", server: "Qdrant", minimum: [1, 16] } as const;

const distances = { cosine: "Cosine", dot: "Dot", euclidean: "Euclid" } as const;

/**
 * Makes the collection if there is none, and checks the one that is there.
 * @param options with the name of the collection itself, not of an alias
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`; errors of the client
 */
export async function openCollection(
  client: QdrantConnection,
  options: ResolvedQdrantOptions,
): Promise<CheckedCollection> {
  const { collection } = options;
  const info = await askIfAllowed(async () => client.versionInfo?.());
  checkServerVersion(neededVersion, info?.version);
  const place = `The collection ${received(collection)}`;
  if ((await client.collectionExists(collection)).exists) await described(client, collection);
  else await create(client, collection, newDescription(place, options));
  return readCollection(client, options);
}

/** @throws SparseEncoderError `STORE_MISMATCH` for a collection that no store made; errors of the client */
export async function checkMade(client: QdrantConnection, collection: string): Promise<void> {
  const found = await readDescription(client, collection);
  checkOwn(`The collection ${received(collection)}`, found, noAliasOfOthers);
}

/**
 * What a collection says of itself.
 * @throws SparseEncoderError `STORE_MISMATCH`; errors of the client
 */
export async function readCollection(
  client: QdrantConnection,
  options: ResolvedQdrantOptions,
): Promise<CheckedCollection> {
  const { collection } = options;
  return checkDescription(
    `The collection ${received(collection)}`,
    await readDescription(client, collection),
    options,
    "use the option collection for another name.",
  );
}

/** Keeps what made the vectors of a name, and gives their dims an index: servers in strict mode count by indexed fields only. */
export async function keepEncoder(
  client: QdrantConnection,
  { collection }: ResolvedQdrantOptions,
  name: string,
  field: ResolvedField,
): Promise<void> {
  const description = (await readDescription(client, collection)) as CollectionDescription;
  const changed = withEncoder(description, name, field);
  await client.updateCollection(collection, { metadata: { description: JSON.stringify(changed) } });
  await indexDims(client, collection, dimField(new Map(description.vectors), name));
}

async function indexDims(client: QdrantConnection, collection: string, field: string): Promise<void> {
  const schema = { type: "integer", lookup: true, range: false };
  await client.createPayloadIndex(collection, { field_name: field, field_schema: schema, wait: true });
}

/** Waits a little for what a process that makes the collection at this moment says of it, in its next request. */
async function described(client: QdrantConnection, collection: string): Promise<void> {
  for (let tries = 1; tries < 10 && (await readDescription(client, collection)) === null; tries++) {
    await pause(50, undefined);
  }
}

async function readDescription(client: QdrantConnection, collection: string): Promise<unknown> {
  const { config } = (await client.getCollection(collection)) as {
    config?: { metadata?: { description?: string } | null };
  };
  return parseDescription(config?.metadata?.description);
}

async function create(
  client: QdrantConnection,
  collection: string,
  description: CollectionDescription,
): Promise<void> {
  const vectors: Record<string, object> = {};
  const sparse: Record<string, object> = {};
  for (const [name, field] of description.vectors) {
    // No modifier: weights of a learned encoder are not to be multiplied by their rarity once more.
    if (field.kind === "sparse") sparse[name] = { index: { on_disk: false, datatype: "float32" } };
    else vectors[name] = { size: field.dimension, distance: distances[field.metric] };
  }
  try {
    await client.createCollection(collection, { vectors, sparse_vectors: sparse });
  } catch (error) {
    if ((error as { status?: unknown }).status !== 409) throw error;
    // Another process has made it meanwhile.
    return described(client, collection);
  }
  // The client passes no metadata on when it makes a collection.
  await client.updateCollection(collection, { metadata: { description: JSON.stringify(description) } });
  // Strict servers filter by indexed fields only.
  await client.createPayloadIndex(collection, { field_name: "terms", field_schema: "keyword", wait: true });
  if (description.tenants !== undefined) {
    const schema = { type: "keyword", is_tenant: true };
    await client.createPayloadIndex(collection, {
      field_name: tenantField,
      field_schema: schema,
      wait: true,
    });
  }
  const fields = new Map(description.vectors);
  for (const [name, field] of fields) {
    if (encoderOf(field) !== undefined) await indexDims(client, collection, dimField(fields, name));
  }
}
