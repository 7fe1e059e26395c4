import { createHash } from "node:crypto";
import { SparseVector, TRUSTED } from "../../vector/index.ts";
import { dimField } from "../engine/dim-field.ts";
import { termsOf, vectorTerm } from "../engine/metadata-terms.ts";
import { escapeMetadata, escapeText, parseMetadata, unescapeText } from "../engine/stored-text.ts";
import { toUnitVector } from "../engine/unit-vector.ts";
import type { Metadata, StoredDocument } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { QdrantPoint } from "./qdrant-client.ts";
import { tenantField, toChunks } from "./qdrant-filter.ts";

/** A random namespace: points of other programs that make ids from names do not meet these. */
const namespace = Buffer.from("5f0e6b6c6c1f4d0a9d8e4b8d1a3c7e21", "hex");

/**
 * The id of a point: Qdrant takes numbers and UUIDs only, so this is one of version 5, made of the document's id.
 * @param key of the tenant
 */
export function toPointId(id: string, key?: string): string {
  // No key has a slash.
  const name = key === undefined ? id : `${key}/${id}`;
  const bytes = createHash("sha1").update(namespace).update(name, "utf8").digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * The point of a document. Vectors of the cosine are of length 1, and the payload has them as they were: Qdrant would scale
 * them itself, but for those shorter than 0.0003, which it would keep as they are.
 * @param key of the tenant, in a field of the payload that filters cannot name: they look at terms and bounds
 * @param hasDims true if the payload has the active dims of sparse vectors too: filters see only the payload
 */
export function toPoint(
  { id, text, metadata, vectors }: CheckedDocument,
  fields: ReadonlyMap<string, ResolvedField>,
  hasDims: boolean,
  key: string | undefined,
): object {
  const { terms, ends } = termsOf(metadata);
  const bounds: Record<string, number> = {};
  for (const [name, end] of Object.entries(ends)) {
    if (typeof end === "number") bounds[name] = end;
    else for (const [position, chunk] of toChunks(end).entries()) bounds[`${name}_${position}`] = chunk;
  }
  const vector: Record<string, unknown> = {};
  const originals: Record<string, string> = {};
  const dims: Record<string, number[]> = {};
  for (const [name, value] of vectors) {
    if (value instanceof Float32Array) {
      const field = fields.get(name);
      const isCosine = field?.kind === "dense" && field.metric === "cosine";
      vector[name] = Array.from(isCosine ? toUnitVector(value) : value);
      if (isCosine) originals[name] = toBase64(value);
    } else {
      const indices = Array.from(value.indices);
      vector[name] = { indices, values: Array.from(value.values) };
      if (hasDims) dims[dimField(fields, name)] = indices;
    }
  }
  return {
    id: toPointId(id, key),
    vector,
    payload: {
      id: escapeText(id),
      text: escapeText(text),
      metadata: escapeMetadata(metadata),
      terms: [...terms, ...[...vectors.keys()].map(vectorTerm)],
      bounds,
      originals,
      ...dims,
      ...(key === undefined ? {} : { [tenantField]: key }),
    },
  };
}

export function idOf({ payload }: QdrantPoint): string {
  return unescapeText(payload!.id as string);
}

export function contentOf({ payload }: QdrantPoint): { id: string; text: string; metadata: Metadata } {
  const { id, text, metadata } = payload as { id: string; text: string; metadata: Metadata };
  return {
    id: unescapeText(id),
    text: unescapeText(text),
    metadata: parseMetadata(JSON.stringify(metadata)),
  };
}

export function fromPoint(point: QdrantPoint, fields: ReadonlyMap<string, ResolvedField>): StoredDocument {
  const originals = (point.payload?.originals ?? {}) as Readonly<Record<string, string>>;
  return { ...contentOf(point), vectors: vectorsOf(point, fields, (name) => name, originals) };
}

/**
 * The vectors of a point.
 * @param vectorName Qdrant's name for vectors
 * @param originals the vectors that Qdrant scaled, as they were
 */
export function vectorsOf(
  { vector }: QdrantPoint,
  fields: ReadonlyMap<string, ResolvedField>,
  vectorName: (name: string) => string,
  originals: Readonly<Record<string, string>>,
): StoredDocument["vectors"] {
  // One that has no name stands by itself if it is the only one.
  const given = (Array.isArray(vector) ? { "": vector } : (vector ?? {})) as Readonly<
    Record<string, unknown>
  >;
  const vectors: [string, SparseVector | Float32Array][] = [];
  for (const [name, field] of fields) {
    const own = vectorName(name);
    if (!Object.hasOwn(given, own)) continue;
    if (field.kind === "sparse") vectors.push([name, toSparse(given[own], field.dimension)]);
    else if (Object.hasOwn(originals, name)) vectors.push([name, fromBase64(originals[name]!)]);
    else vectors.push([name, Float32Array.from(given[own] as number[])]);
  }
  return Object.fromEntries(vectors);
}

function toSparse(given: unknown, dimension: number): SparseVector {
  const { indices, values } = given as { indices: number[]; values: number[] };
  // Their order is the server's.
  const entries = indices.map((index, position) => [index, values[position]!] as const);
  entries.sort(([a], [b]) => a - b);
  return new SparseVector(
    Uint32Array.from(entries, ([index]) => index),
    Float32Array.from(entries, ([, value]) => value),
    dimension,
    TRUSTED,
  );
}

function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [position, value] of vector.entries()) bytes.writeFloatLE(value, 4 * position);
  return bytes.toString("base64");
}

function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  return Float32Array.from({ length: bytes.length / 4 }, (_, position) => bytes.readFloatLE(4 * position));
}
