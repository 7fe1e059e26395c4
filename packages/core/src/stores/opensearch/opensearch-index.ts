import { received, SparseEncoderError } from "../../errors.ts";
import {
  type CollectionDescription,
  checkDescription,
  newDescription,
} from "../engine/collection-description.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";

const maximumDenseDimension = 16_000;

/** The field of a vector, by its place among the names. */
export const fieldName = (position: number) => `vector_${position}`;

/**
 * Makes the index if there is none, and checks the one that is there.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`, `STORE_UNSUPPORTED`; errors of the client
 */
export async function openIndex(
  client: OpenSearchConnection,
  options: ResolvedOpenSearchOptions,
): Promise<ReadonlyMap<string, ResolvedField>> {
  const { index } = options;
  const place = `The index ${received(index)}`;
  if (!(await client.indices.exists({ index })).body) {
    await create(client, index, newDescription(place, options));
  }
  const mappings = (await client.indices.getMapping({ index })).body as Readonly<
    Record<string, { mappings?: { _meta?: unknown } }>
  >;
  // The name in the answer is that of the index, which an alias is not.
  const [found, ...others] = Object.values(mappings);
  if (others.length > 0) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} is an alias of several indexes; name one of them.`,
    );
  }
  return checkDescription(place, found?.mappings?._meta, options, "use the option index for another name.");
}

async function create(
  client: OpenSearchConnection,
  index: string,
  description: CollectionDescription,
): Promise<void> {
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
