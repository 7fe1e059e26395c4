import { received, SparseEncoderError } from "../../errors.ts";
import {
  type CheckedCollection,
  type CollectionDescription,
  checkDescription,
  checkOwn,
  newDescription,
  noAliasOfOthers,
  parseDescription,
} from "../engine/collection-description.ts";
import { checkServerVersion } from "../engine/server-version.ts";
import { type MilvusConnection, succeeded } from "./milvus-client.ts";
import type { ResolvedMilvusOptions } from "./milvus-options.ts";
import { toRow } from "./milvus-rows.ts";
import { createCollection, createIndex, fieldName, ownKey, ownTenant } from "./milvus-schema.ts";

/** The first version whose sparse index is known to be exact. */
const neededVersion = { store: "milvus", server: "Milvus", minimum: [2, 5] } as const;

/**
 * Makes the collection if there is none, checks the one that is there, and loads it.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`, `STORE_UNSUPPORTED`; errors of the server
 */
export async function openCollection(
  client: MilvusConnection,
  options: ResolvedMilvusOptions,
): Promise<CheckedCollection> {
  const { collection } = options;
  const version = await serverVersion(client);
  const place = `The collection ${received(collection)}`;
  if (!(await hasCollection(client, collection))) {
    // Milvus Lite says no version, has no partitions, and takes no expression where one field is the key of them.
    const hasPartitions = version !== undefined;
    await createCollection(client, collection, newDescription(place, options), hasPartitions);
  }
  const { schema } = succeeded(await client.describeCollection({ collection_name: collection }));
  const made = parseDescription(schema.description);
  const hint = "use the option collection for another name.";
  const stored = checkDescription(place, made, options, hint);
  // An index that was not made, by a process that ended between, is made now; one that is there stays.
  for (const [position, field] of [...stored.fields.values()].entries()) {
    await createIndex(client, collection, fieldName(position), field);
  }
  if (options.partition !== undefined) await makePartition(client, collection, options.partition);
  succeeded(await client.loadCollectionSync({ collection_name: collection }));
  // Rows are read from a collection that is loaded.
  return stored.hasDims ? readCollection(client, options, made as CollectionDescription) : stored;
}

/**
 * The version of the server, as far as it tells.
 * @throws SparseEncoderError `STORE_UNSUPPORTED` for one that is too old; errors of the server
 */
export async function serverVersion(client: MilvusConnection): Promise<string | undefined> {
  const version = (await client.getVersion?.())?.version;
  checkServerVersion(neededVersion, version);
  return version;
}

/** Asking whether one exists is answered with success by Milvus Lite whatever the name is. */
export async function hasCollection(client: MilvusConnection, collection: string): Promise<boolean> {
  const { data } = succeeded(await client.showCollections({}));
  return data.some(({ name }) => name === collection);
}

/** @throws SparseEncoderError `STORE_MISMATCH` for a collection that no store made; errors of the server */
export async function checkMade(client: MilvusConnection, collection: string): Promise<void> {
  const { schema } = succeeded(await client.describeCollection({ collection_name: collection }));
  checkOwn(`The collection ${received(collection)}`, parseDescription(schema.description), noAliasOfOthers);
}

/**
 * What a collection says of itself by now: what it was made with, and the encoders that were kept later, in a row of its own,
 * as what it was made with cannot be changed.
 * @throws SparseEncoderError `STORE_MISMATCH`; errors of the server
 */
export async function readCollection(
  client: MilvusConnection,
  options: ResolvedMilvusOptions,
  made?: CollectionDescription,
): Promise<CheckedCollection> {
  const { collection } = options;
  const place = `The collection ${received(collection)}`;
  let description: unknown = made;
  if (made === undefined) {
    const { schema } = succeeded(await client.describeCollection({ collection_name: collection }));
    description = parseDescription(schema.description);
  }
  const { data } = succeeded(
    await client.query({
      collection_name: collection,
      filter: `key == "${ownKey}"`,
      output_fields: ["metadata"],
      limit: 1,
      consistency_level: "Strong",
    }),
  );
  const kept = data[0]?.metadata as { description?: CollectionDescription } | undefined;
  const hint = "use the option collection for another name.";
  return checkDescription(place, kept?.description ?? description, options, hint);
}

/** Keeps what made the vectors of a name in the row of the collection itself. */
export async function keepEncoder(
  client: MilvusConnection,
  options: ResolvedMilvusOptions,
  description: CollectionDescription,
): Promise<void> {
  const nothing = { id: "", text: "", metadata: {}, vectors: new Map() };
  const tenant = description.tenants ? ownTenant : undefined;
  const row = toRow(nothing, new Map(description.vectors), { tenant, knowsNot: true, hasDims: true });
  const data = [{ ...row, key: ownKey, metadata: { description } }];
  succeeded(await client.upsert({ collection_name: options.collection, data }));
}

async function makePartition(client: MilvusConnection, collection: string, partition: string): Promise<void> {
  const request = { collection_name: collection, partition_name: partition };
  const exists = async () => succeeded(await client.hasPartition(request)).value === true;
  if (await exists()) return;
  succeeded(await client.createPartition(request));
  // Milvus Lite says yes to all about partitions, and has none.
  if (await exists()) return;
  throw new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `This Milvus has no partitions, as Milvus Lite; leave the option partition out, received ${received(partition)}.`,
  );
}

/** Whether expressions have `not`: Milvus Lite refuses it. */
export async function probeNot(client: MilvusConnection, collection: string): Promise<boolean> {
  const answer = await client.query({
    collection_name: collection,
    filter: 'not array_contains(terms, "none")',
    output_fields: ["key"],
    limit: 1,
  });
  if (/unsupported expr/.test(answer.status?.reason ?? "")) return false;
  succeeded(answer);
  return true;
}
