import { received, SparseEncoderError } from "../../errors.ts";
import { checkModel } from "../../index/index.ts";
import { describeField, type ResolvedField, sameField } from "../vector-fields.ts";
import type { QdrantConnection } from "./qdrant-client.ts";
import type { ResolvedQdrantOptions } from "./qdrant-options.ts";

/** Version of the payload. */
const format = 1;

const distances = { cosine: "Cosine", dot: "Dot", euclidean: "Euclid" } as const;

/** What the metadata of a collection say. */
interface Description {
  readonly sparseEncoder: number;
  readonly model: string | null;
  readonly vectors: readonly (readonly [name: string, field: ResolvedField])[];
}

/**
 * Makes the collection if there is none, and checks the one that is there.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`; errors of the client
 */
export async function openCollection(
  client: QdrantConnection,
  { collection, declared, model }: ResolvedQdrantOptions,
): Promise<ReadonlyMap<string, ResolvedField>> {
  const place = `The collection ${received(collection)}`;
  if (!(await client.collectionExists(collection)).exists) {
    if (declared === undefined) {
      throw new SparseEncoderError(
        "INVALID_ARGUMENT",
        `QdrantStore.open: there is no collection ${received(collection)}; the option vectors is needed to make it.`,
      );
    }
    await create(client, collection, { sparseEncoder: format, model: model ?? null, vectors: [...declared] });
  }
  const { config } = (await client.getCollection(collection)) as {
    config?: { metadata?: { description?: string } | null };
  };
  const description = parse(config?.metadata?.description);
  if (description === undefined) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} was made by something else than QdrantStore, or by a Qdrant older than 1.16, which keeps no metadata of collections; use the option collection for another name.`,
    );
  }
  if (description.sparseEncoder > format) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} has version ${description.sparseEncoder}, this library knows up to ${format}; update it.`,
    );
  }
  checkModel(place, description.model, model);
  const stored = new Map(description.vectors);
  for (const [name, field] of declared ?? []) {
    const found = stored.get(name);
    if (found !== undefined && sameField(found, field)) continue;
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} has ${found === undefined ? "no" : describeField(found)} vectors named ${received(name)}, not ${describeField(field)} as the option vectors says.`,
    );
  }
  return stored;
}

async function create(client: QdrantConnection, collection: string, description: Description): Promise<void> {
  const vectors: Record<string, object> = {};
  const sparse: Record<string, object> = {};
  for (const [name, field] of description.vectors) {
    // No modifier: weights of a learned encoder are not to be multiplied by their rarity once more.
    if (field.kind === "sparse") sparse[name] = { index: { on_disk: false, datatype: "float32" } };
    else vectors[name] = { size: field.dimension, distance: distances[field.metric] };
  }
  await client.createCollection(collection, { vectors, sparse_vectors: sparse });
  // The client passes no metadata on when it makes a collection.
  await client.updateCollection(collection, { metadata: { description: JSON.stringify(description) } });
  // Strict servers filter by indexed fields alone.
  await client.createPayloadIndex(collection, { field_name: "terms", field_schema: "keyword", wait: true });
}

function parse(text: string | undefined): Description | undefined {
  try {
    const description = JSON.parse(text ?? "null") as Description | null;
    return typeof description?.sparseEncoder === "number" ? description : undefined;
  } catch {
    return undefined;
  }
}
