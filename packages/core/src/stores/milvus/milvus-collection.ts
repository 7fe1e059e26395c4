import { received, SparseEncoderError } from "../../errors.ts";
import {
  type CollectionDescription,
  checkDescription,
  newDescription,
  parseDescription,
} from "../engine/collection-description.ts";
import { checkServerVersion } from "../engine/server-version.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { type MilvusConnection, succeeded } from "./milvus-client.ts";
import type { ResolvedMilvusOptions } from "./milvus-options.ts";

/** Bytes that Milvus takes of a string, and of JSON. */
export const maximumBytes = 65_535;
export const maximumTerms = 4096;

/** The first of which the sparse index is known to be exact. */
const neededVersion = { store: "milvus", server: "Milvus", minimum: [2, 5] } as const;

const maximumDenseDimension = 32_768;

/** The field of a vector, by its place among the names. */
export const fieldName = (position: number) => `vector_${position}`;

const metrics = { cosine: "COSINE", dot: "IP", euclidean: "L2" } as const;

/**
 * Makes the collection if there is none, checks the one that is there, and loads it.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`, `STORE_UNSUPPORTED`; errors of the server
 */
export async function openCollection(
  client: MilvusConnection,
  options: ResolvedMilvusOptions,
): Promise<ReadonlyMap<string, ResolvedField>> {
  const { collection } = options;
  checkServerVersion(neededVersion, (await client.getVersion?.())?.version);
  const place = `The collection ${received(collection)}`;
  // Asking whether one exists is answered with success by Milvus Lite whatever the name is.
  const { data } = succeeded(await client.showCollections({}));
  if (!data.some(({ name }) => name === collection)) {
    await create(client, collection, newDescription(place, options));
  }
  const { schema } = succeeded(await client.describeCollection({ collection_name: collection }));
  const stored = checkDescription(
    place,
    parseDescription(schema.description),
    options,
    "use the option collection for another name.",
  );
  // An index that was not made, by a process that ended between, is made now; one that is there stays.
  for (const [position, field] of [...stored.values()].entries()) {
    await createIndex(client, collection, fieldName(position), field);
  }
  if (options.partition !== undefined) await makePartition(client, collection, options.partition);
  succeeded(await client.loadCollectionSync({ collection_name: collection }));
  return stored;
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

async function create(
  client: MilvusConnection,
  collection: string,
  description: CollectionDescription,
): Promise<void> {
  const { vectors } = description;
  if (vectors.length === 0) {
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      "A collection of Milvus needs at least one name of vectors.",
    );
  }
  for (const [name, field] of vectors) {
    if (field.kind === "sparse" || (field.dimension >= 2 && field.dimension <= maximumDenseDimension))
      continue;
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The milvus store takes dense vectors of 2 to ${maximumDenseDimension} dimensions; those named ${received(name)} have ${field.dimension}.`,
    );
  }
  const string = { data_type: "VarChar", max_length: maximumBytes };
  const fields = [
    { name: "key", ...string, is_primary_key: true },
    { name: "id", ...string },
    { name: "text", ...string },
    { name: "metadata", data_type: "JSON" },
    {
      name: "terms",
      data_type: "Array",
      element_type: "VarChar",
      max_capacity: maximumTerms,
      max_length: 32,
    },
    { name: "bounds", data_type: "JSON" },
    { name: "present", ...string },
    ...vectors.map(([, field], position) =>
      field.kind === "sparse"
        ? { name: fieldName(position), data_type: "SparseFloatVector" }
        : { name: fieldName(position), data_type: "FloatVector", dim: field.dimension },
    ),
  ];
  succeeded(
    await client.createCollection({
      collection_name: collection,
      description: JSON.stringify(description),
      fields,
      enable_dynamic_field: true,
    }),
  );
}

async function createIndex(
  client: MilvusConnection,
  collection: string,
  name: string,
  field: ResolvedField,
): Promise<void> {
  const index =
    field.kind === "sparse"
      ? {
          index_type: "SPARSE_INVERTED_INDEX",
          metric_type: "IP",
          params: { inverted_index_algo: "DAAT_MAXSCORE" },
        }
      : { index_type: "FLAT", metric_type: metrics[field.metric] };
  succeeded(
    await client.createIndex({ collection_name: collection, field_name: name, index_name: name, ...index }),
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
