import type { SparseVector } from "../../vector/index.ts";
import { escapeMetadata, escapeText, parseMetadata, unescapeText } from "../engine/stored-text.ts";
import type { StoredDocument } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { Bindings } from "./bindings.ts";
import type { Row } from "./database/postgres-database.ts";
import type { DocumentTable } from "./document-table.ts";
import { type Column, columnsOf } from "./postgres-column.ts";
import { absolute, fromDenseText, fromSparseText, toDenseText, toSparseText } from "./vector-text.ts";

/** Active dims that an HNSW index takes. */
export const maximumIndexedDims = 1000;

/** Characters of JSON that one statement inserts, about: a document may have more. */
const statementLength = 1 << 22;
const statementRows = 1000;

/** An id as it stands in `key`, in hexadecimal digits. */
export function toKey(id: string): string {
  return Buffer.from(id, "utf16le").swap16().toString("hex");
}

/** A query for the keys of ids. */
export function keysOf(ids: readonly string[], bindings: Bindings): string {
  const keys = bindings.add(JSON.stringify(ids.map(toKey)), "json");
  return `SELECT decode(value, 'hex') FROM json_array_elements_text(${keys})`;
}

/** The statement that stores the documents of a JSON array, and its values for each array. */
export function upsertStatement(
  table: DocumentTable,
  columns: readonly Column[],
): { readonly sql: string; readonly valuesOf: (rows: string) => string[] } {
  const parts = [
    { column: "id", type: "text" },
    { column: "text", type: "text" },
    { column: "metadata", type: "jsonb" },
    ...columns.flatMap(columnsOf),
  ];
  const names = parts.map(({ column }) => column);
  const fields = parts.map(({ column, type }) => `${column} ${type}`);
  const { tenant } = table;
  const identity = table.identity.join(", ");
  const own = tenant === undefined ? "" : "$2::text, ";
  return {
    sql:
      `INSERT INTO ${table.name} (${identity}, ${names.join(", ")}) ` +
      `SELECT ${own}decode(key, 'hex'), ${names.join(", ")} FROM json_to_recordset($1::json) AS given(key text, ${fields.join(", ")}) ` +
      `ON CONFLICT (${identity}) DO UPDATE SET ${names.map((name) => `${name} = EXCLUDED.${name}`).join(", ")}`,
    valuesOf: (rows) => (tenant === undefined ? [rows] : [rows, tenant]),
  };
}

/** JSON arrays for {@link upsertStatement}. Rows rise by key, so that two upserts at once cannot wait for each other. */
export function* toRows(
  documents: readonly CheckedDocument[],
  columns: readonly Column[],
): Generator<string> {
  const keyed = documents
    .map((document) => ({ key: toKey(document.id), document }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  let rows: string[] = [];
  let length = 0;
  for (const { key, document } of keyed) {
    const row = JSON.stringify(toRow(key, document, columns));
    if (rows.length > 0 && (rows.length >= statementRows || length + row.length > statementLength)) {
      yield `[${rows.join()}]`;
      rows = [];
      length = 0;
    }
    rows.push(row);
    length += row.length;
  }
  if (rows.length > 0) yield `[${rows.join()}]`;
}

/** What {@link fromRow} needs. */
export function selectedColumns(columns: readonly Column[]): string {
  const vectors = columns.map(({ suffix }, position) => `vector_${suffix}::text AS v${position}`);
  return ["id", "text", "metadata::text AS metadata", ...vectors].join(", ");
}

export function fromRow(row: Row, columns: readonly Column[]): StoredDocument {
  const vectors: [string, SparseVector | Float32Array][] = [];
  for (const [position, { name, field }] of columns.entries()) {
    const text = row[`v${position}`];
    if (text != null)
      vectors.push([name, field.kind === "sparse" ? fromSparseText(text) : fromDenseText(text)]);
  }
  return {
    id: unescapeText(row.id!),
    text: unescapeText(row.text!),
    metadata: parseMetadata(row.metadata!),
    vectors: Object.fromEntries(vectors),
  };
}

function toRow(
  key: string,
  { id, text, metadata, vectors }: CheckedDocument,
  columns: readonly Column[],
): object {
  const row: Record<string, unknown> = {
    key,
    id: escapeText(id),
    text: escapeText(text),
    metadata: escapeMetadata(metadata),
  };
  for (const { name, suffix } of columns) {
    const vector = vectors.get(name);
    if (vector === undefined) continue;
    if (vector instanceof Float32Array) {
      row[`vector_${suffix}`] = toDenseText(vector);
      continue;
    }
    row[`vector_${suffix}`] = toSparseText(vector);
    if (vector.values.some((weight) => weight < 0))
      row[`absolute_${suffix}`] = toSparseText(absolute(vector));
    if (vector.activeDims > maximumIndexedDims)
      row[`short_${suffix}`] = toSparseText(vector.topDims(maximumIndexedDims));
  }
  return row;
}
