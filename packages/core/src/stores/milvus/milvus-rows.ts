import { received, SparseEncoderError } from "../../errors.ts";
import { SparseVector, TRUSTED } from "../../vector/index.ts";
import { dimField } from "../engine/dim-field.ts";
import { termsOf, vectorTerm } from "../engine/metadata-terms.ts";
import { fromOrderKey, toOrderKey } from "../engine/order-key.ts";
import { escapeText, unescapeText } from "../engine/stored-text.ts";
import type { Metadata, StoredDocument } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { MilvusRow } from "./milvus-client.ts";
import { fieldName, maximumBytes, maximumElements, tenantField } from "./milvus-schema.ts";

/**
 * The key of a row: the id in hexadecimal digits, which order as ids do, behind the tenant where there is one.
 * @param tenant as it stands in the field of tenants
 */
export function toKey(id: string, tenant: string | undefined): string {
  const digits = Buffer.from(toOrderKey(id), "utf8").toString("hex");
  return tenant === undefined ? digits : `${tenant}/${digits}`;
}

export function fromKey(key: string): string {
  const digits = key.slice(key.lastIndexOf("/") + 1);
  return fromOrderKey(Buffer.from(digits, "hex").toString("utf8"));
}

interface RowSettings {
  readonly tenant: string | undefined;
  readonly knowsNot: boolean;
  readonly hasDims: boolean;
}

/**
 * Milvus wants each vector of each document: where there is none, one that no search may find takes its place.
 * @param collection.tenant as it stands in the field of tenants; undefined in a collection without
 * @param collection.knowsNot false for Milvus Lite, whose expressions have no `not`
 * @param collection.hasDims true if rows have the active dims of sparse vectors too: expressions see no vectors
 * @throws SparseEncoderError `STORE_UNSUPPORTED` for what is longer than Milvus takes
 */
export function toRow(
  { id, text, metadata, vectors }: CheckedDocument,
  fields: ReadonlyMap<string, ResolvedField>,
  { tenant, knowsNot, hasDims }: RowSettings,
): Record<string, unknown> {
  const { terms, bounds: ends } = termsOf(metadata);
  const bounds = knowsNot ? ends : { ...ends, ...Object.fromEntries(terms.map((term) => [term, "1"])) };
  const all = [...terms, ...[...vectors.keys()].map(vectorTerm)];
  const row: Record<string, unknown> = {
    key: toKey(id, tenant),
    ...(tenant === undefined ? {} : { [tenantField]: tenant }),
    id: escapeText(id),
    text: escapeText(text),
    metadata,
    terms: all,
    bounds,
    present: [...fields.keys()].map((name) => (vectors.has(name) ? "1" : "0")).join(""),
  };
  const lengths = {
    text: row.text as string,
    metadata: JSON.stringify(metadata),
    bounds: JSON.stringify(bounds),
  };
  for (const [part, value] of Object.entries(lengths)) {
    if (Buffer.byteLength(value) > maximumBytes) {
      const what =
        part === "bounds" ? "metadata have too many fields, or" : part === "text" ? "text" : "metadata";
      throw tooLong(id, `${what} of more than ${maximumBytes} bytes`);
    }
  }
  if (all.length > maximumElements)
    throw tooLong(id, `metadata of more than ${maximumElements} fields and values`);
  for (const [position, [name, field]] of [...fields].entries()) {
    const vector = vectors.get(name);
    if (vector instanceof Float32Array) row[fieldName(position)] = Array.from(vector);
    else if (vector !== undefined) row[fieldName(position)] = toSparseObject(vector);
    else if (field.kind === "sparse") row[fieldName(position)] = {};
    // Not all zero: that has no cosine.
    else row[fieldName(position)] = new Array<number>(field.dimension).fill(1);
    if (field.kind === "sparse" && hasDims) {
      row[dimField(fields, name)] = vector === undefined ? [] : Array.from((vector as SparseVector).indices);
    }
  }
  return row;
}

export function fromRow(row: MilvusRow, fields: ReadonlyMap<string, ResolvedField>): StoredDocument {
  const vectors: [string, SparseVector | Float32Array][] = [];
  for (const [position, [name, field]] of [...fields].entries()) {
    if ((row.present as string)[position] !== "1") continue;
    const value = row[fieldName(position)];
    vectors.push([
      name,
      field.kind === "dense"
        ? Float32Array.from(value as number[])
        : fromSparseObject(value as Readonly<Record<string, number>>, field.dimension),
    ]);
  }
  return {
    id: fromKey(row.key as string),
    text: unescapeText(row.text as string),
    metadata: row.metadata as Metadata,
    vectors: Object.fromEntries(vectors),
  };
}

export function toSparseObject({ indices, values }: SparseVector): Record<number, number> {
  const entries: Record<number, number> = {};
  for (let position = 0; position < indices.length; position++)
    entries[indices[position]!] = values[position]!;
  return entries;
}

function fromSparseObject(entries: Readonly<Record<string, number>>, dimension: number): SparseVector {
  const pairs = Object.entries(entries).sort(([a], [b]) => Number(a) - Number(b));
  return new SparseVector(
    Uint32Array.from(pairs, ([index]) => Number(index)),
    Float32Array.from(pairs, ([, weight]) => weight),
    dimension,
    TRUSTED,
  );
}

function tooLong(id: string, what: string): SparseEncoderError {
  return new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `The milvus store takes no document with ${what}. Document ${received(id)} is one; divide it into several.`,
  );
}
