import { received, SparseEncoderError } from "../../errors.ts";
import { checkModel } from "../../index/index.ts";
import { describeField, type ResolvedField, sameField } from "../vector-fields.ts";
import { type MilvusConnection, succeeded } from "./milvus-client.ts";
import type { ResolvedMilvusOptions } from "./milvus-options.ts";

/** Version of the fields. */
const format = 1;

/** Bytes that Milvus takes of a string, and of JSON. */
export const maximumBytes = 65_535;
export const maximumTerms = 4096;

const maximumDenseDimension = 32_768;

/** The field of a vector, by its place among the names. */
export const fieldName = (position: number) => `vector_${position}`;

const metrics = { cosine: "COSINE", dot: "IP", euclidean: "L2" } as const;

/** What the description of a collection says, as JSON. */
interface Description {
  readonly sparseEncoder: number;
  readonly model: string | null;
  readonly vectors: readonly (readonly [name: string, field: ResolvedField])[];
}

/**
 * Makes the collection if there is none, checks the one that is there, and loads it.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`, `STORE_UNSUPPORTED`; errors of the server
 */
export async function openCollection(
  client: MilvusConnection,
  { collection, declared, model }: ResolvedMilvusOptions,
): Promise<ReadonlyMap<string, ResolvedField>> {
  const place = `The collection ${received(collection)}`;
  // Asking whether one exists is answered with success by Milvus Lite whatever the name is.
  const { data } = succeeded(await client.showCollections({}));
  const exists = data.some(({ name }) => name === collection);
  if (!exists && declared === undefined) {
    throw new SparseEncoderError(
      "INVALID_ARGUMENT",
      `MilvusStore.open: there is no collection ${received(collection)}; the option vectors is needed to make it.`,
    );
  }
  if (!exists) await create(client, collection, declared!, model);
  const description = await describe(client, collection, place);
  checkModel(place, description.model, model);
  const stored = new Map(description.vectors);
  for (const [name, field] of declared ?? []) {
    const found = stored.get(name);
    if (found === undefined) {
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `${place} has no vectors named ${received(name)}, and Milvus adds none later; make another collection and copy the documents with copyStore.`,
      );
    }
    if (!sameField(found, field)) {
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `${place} has vectors named ${received(name)} that are ${describeField(found)}, not ${describeField(field)} as the option vectors says.`,
      );
    }
  }
  // An index that was not made, by a process that ended between, is made now; one that is there stays.
  for (const [position, [, field]] of description.vectors.entries()) {
    await createIndex(client, collection, fieldName(position), field);
  }
  succeeded(await client.loadCollectionSync({ collection_name: collection }));
  return stored;
}

async function describe(client: MilvusConnection, collection: string, place: string): Promise<Description> {
  const { schema } = succeeded(await client.describeCollection({ collection_name: collection }));
  let description: Partial<Description> = {};
  try {
    description = JSON.parse(schema.description) as Partial<Description>;
  } catch {
    // Text of somebody else.
  }
  if (typeof description?.sparseEncoder !== "number" || !Array.isArray(description.vectors)) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} was made by something else than MilvusStore; use the option collection for another name.`,
    );
  }
  if (description.sparseEncoder > format) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} has version ${description.sparseEncoder}, this library knows up to ${format}; update it.`,
    );
  }
  return description as Description;
}

async function create(
  client: MilvusConnection,
  collection: string,
  vectors: ReadonlyMap<string, ResolvedField>,
  model: string | undefined,
): Promise<void> {
  if (vectors.size === 0) {
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
  const description: Description = { sparseEncoder: format, model: model ?? null, vectors: [...vectors] };
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
    ...[...vectors.values()].map((field, position) =>
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
