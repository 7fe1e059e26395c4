import { received, SparseEncoderError } from "../../errors.ts";
import { checkModel } from "../../index/index.ts";
import { describeField, type ResolvedField, sameField } from "../vector-fields.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";

/** Version of the mapping. */
const format = 1;

const maximumDenseDimension = 16_000;

/** The field of a vector, by its place among the names. */
export const fieldName = (position: number) => `vector_${position}`;

/** What the mapping of an index says beside its fields. */
interface Description {
  readonly sparseEncoder: number;
  readonly model: string | null;
  readonly vectors: readonly (readonly [name: string, field: ResolvedField])[];
}

/**
 * Makes the index if there is none, and checks the one that is there.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`, `STORE_UNSUPPORTED`; errors of the client
 */
export async function openIndex(
  client: OpenSearchConnection,
  { index, declared, model }: ResolvedOpenSearchOptions,
): Promise<ReadonlyMap<string, ResolvedField>> {
  const place = `The index ${received(index)}`;
  if (!(await client.indices.exists({ index })).body) {
    if (declared === undefined) {
      throw new SparseEncoderError(
        "INVALID_ARGUMENT",
        `OpenSearchStore.open: there is no index ${received(index)}; the option vectors is needed to make it.`,
      );
    }
    await create(client, index, { sparseEncoder: format, model: model ?? null, vectors: [...declared] });
  }
  const mappings = (await client.indices.getMapping({ index })).body as Readonly<
    Record<string, { mappings?: { _meta?: Partial<Description> } }>
  >;
  // The name in the answer is that of the index, which an alias is not.
  const [found, ...others] = Object.values(mappings);
  if (others.length > 0) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} is an alias of several indexes; name one of them.`,
    );
  }
  const description = found?.mappings?._meta;
  if (typeof description?.sparseEncoder !== "number" || description.vectors === undefined) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} was made by something else than OpenSearchStore; use the option index for another name.`,
    );
  }
  if (description.sparseEncoder > format) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} has version ${description.sparseEncoder}, this library knows up to ${format}; update it.`,
    );
  }
  checkModel(place, description.model ?? null, model);
  const stored = new Map(description.vectors);
  for (const [name, field] of declared ?? []) {
    const known = stored.get(name);
    if (known !== undefined && sameField(known, field)) continue;
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} has ${known === undefined ? "no" : describeField(known)} vectors named ${received(name)}, not ${describeField(field)} as the option vectors says.`,
    );
  }
  return stored;
}

async function create(client: OpenSearchConnection, index: string, description: Description): Promise<void> {
  const properties: Record<string, object> = {
    key: { type: "keyword" },
    id: { type: "keyword", index: false, doc_values: false },
    text: { type: "keyword", index: false, doc_values: false },
    metadata: { type: "keyword", index: false, doc_values: false },
    terms: { type: "keyword" },
    bounds: { type: "keyword" },
  };
  for (const [position, [name, field]] of description.vectors.entries()) {
    if (field.kind === "sparse") {
      properties[fieldName(position)] = { type: "rank_features" };
      continue;
    }
    if (field.dimension > maximumDenseDimension) {
      throw new SparseEncoderError(
        "STORE_UNSUPPORTED",
        `The opensearch store takes at most ${maximumDenseDimension} dimensions of dense vectors; those named ${received(name)} have ${field.dimension}.`,
      );
    }
    properties[fieldName(position)] = { type: "knn_vector", dimension: field.dimension };
  }
  await client.indices.create({
    index,
    body: { mappings: { dynamic: false, _meta: description, properties } },
  });
}
