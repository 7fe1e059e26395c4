import { createHash } from "node:crypto";
import { SparseVector, TRUSTED } from "../../vector/index.ts";
import { termsOf, vectorTerm } from "../engine/metadata-terms.ts";
import { toOrderKey } from "../engine/order-key.ts";
import { escapeMetadata, escapeText, parseMetadata, unescapeText } from "../engine/stored-text.ts";
import type { Metadata, StoredDocument } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";

/** The field that has the key of the tenant. Filters cannot name it: they look at terms and bounds. */
export const tenantField = "tenant";

type Source = Readonly<Record<string, unknown>>;

/** The field of a vector, by its place among the names. */
export const fieldName = (position: number) => `vector_${position}`;

/**
 * The `_id` of a document: OpenSearch takes up to 512 bytes, which ids may exceed.
 * @param tenant key of the tenant
 */
export function toDocumentId(id: string, tenant: string | undefined): string {
  // No key has a slash.
  const name = tenant === undefined ? id : `${tenant}/${id}`;
  return createHash("sha256").update(name, "utf8").digest("base64url");
}

/** The key of the sort, which orders as ids do. */
export function toKey(id: string): string {
  return toOrderKey(escapeText(id));
}

/** The document for the index. Names of sparse features are the dims; the weights stay exact in the source. */
export function toSource(
  { id, text, metadata, vectors }: CheckedDocument,
  fields: ReadonlyMap<string, ResolvedField>,
  tenant: string | undefined,
): Source {
  const { terms, bounds } = termsOf(metadata);
  const source: Record<string, unknown> = {
    key: toKey(id),
    id: escapeText(id),
    text: escapeText(text),
    // As text: the client refuses answers in which an object has a field such as `constructor`.
    metadata: JSON.stringify(escapeMetadata(metadata)),
    terms: [...terms, ...[...vectors.keys()].map(vectorTerm)],
    bounds: Object.entries(bounds).map(([name, bound]) => `${name}${bound}`),
    ...(tenant === undefined ? {} : { [tenantField]: tenant }),
  };
  for (const [position, name] of [...fields.keys()].entries()) {
    const vector = vectors.get(name);
    if (vector === undefined) continue;
    source[fieldName(position)] = vector instanceof Float32Array ? Array.from(vector) : toFeatures(vector);
  }
  return source;
}

export function contentOf(source: Source): { id: string; text: string; metadata: Metadata } {
  return {
    id: unescapeText(source.id as string),
    text: unescapeText(source.text as string),
    metadata: parseMetadata(source.metadata as string),
  };
}

export function fromSource(source: Source, fields: ReadonlyMap<string, ResolvedField>): StoredDocument {
  const vectors: [string, SparseVector | Float32Array][] = [];
  for (const [position, [name, field]] of [...fields].entries()) {
    const vector = vectorOf(source[fieldName(position)], field);
    if (vector !== undefined) vectors.push([name, vector]);
  }
  return { ...contentOf(source), vectors: Object.fromEntries(vectors) };
}

/** A vector as it stands in the source of a document. */
export function vectorOf(value: unknown, field: ResolvedField): SparseVector | Float32Array | undefined {
  if (value === undefined) return undefined;
  if (field.kind === "dense") return Float32Array.from(value as number[]);
  const pairs = Object.entries(value as Readonly<Record<string, number>>);
  pairs.sort(([a], [b]) => Number(a) - Number(b));
  return new SparseVector(
    Uint32Array.from(pairs, ([index]) => Number(index)),
    Float32Array.from(pairs, ([, weight]) => weight),
    field.dimension,
    TRUSTED,
  );
}

export function toFeatures({ indices, values }: SparseVector): Record<string, number> {
  return Object.fromEntries(Array.from(indices, (index, position) => [`${index}`, values[position]!]));
}
