import { received, SparseEncoderError } from "../../errors.ts";
import type { CollectionDescription } from "../engine/collection-description.ts";
import { dimField } from "../engine/dim-field.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { type MilvusConnection, succeeded } from "./milvus-client.ts";

/** Bytes that Milvus takes of a string, and of JSON. */
export const maximumBytes = 65_535;
/** Elements that Milvus takes of an array. */
export const maximumElements = 4096;

/** The key of the row in which a collection keeps what changes about itself: documents have keys of at least four digits. */
export const ownKey = "";

/** The field of tenants, by which a server divides a collection that has them into partitions. */
export const tenantField = "tenant";

/** What stands in {@link tenantField} of the row of the collection itself: tenants have longer keys. */
export const ownTenant = "-";

const maximumDenseDimension = 32_768;

/** The field of a vector, by its place among the names. */
export const fieldName = (position: number) => `vector_${position}`;

const metrics = { cosine: "COSINE", dot: "IP", euclidean: "L2" } as const;

/**
 * Makes a collection, without its indexes.
 * @param hasPartitions false for Milvus Lite
 * @throws SparseEncoderError `STORE_UNSUPPORTED`; errors of the server
 */
export async function createCollection(
  client: MilvusConnection,
  collection: string,
  description: CollectionDescription,
  hasPartitions: boolean,
): Promise<void> {
  const { vectors, tenants } = description;
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
    ...(tenants ? [{ name: tenantField, ...string, is_partition_key: hasPartitions }] : []),
    { name: "id", ...string },
    { name: "text", ...string },
    { name: "metadata", data_type: "JSON" },
    {
      name: "terms",
      data_type: "Array",
      element_type: "VarChar",
      max_capacity: maximumElements,
      max_length: 32,
    },
    { name: "bounds", data_type: "JSON" },
    { name: "present", ...string },
    ...vectors.flatMap(([name, { kind }]) => (kind === "sparse" ? [dimArray(new Map(vectors), name)] : [])),
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

function dimArray(fields: ReadonlyMap<string, ResolvedField>, name: string): object {
  return {
    name: dimField(fields, name),
    data_type: "Array",
    element_type: "Int64",
    max_capacity: maximumElements,
  };
}

/** Makes the index of the vectors of a field, if there is none. */
export async function createIndex(
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
