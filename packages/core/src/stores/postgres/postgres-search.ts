import type { SparseVector } from "../../vector/index.ts";
import type { BackendQuery } from "../backend.ts";
import { Bindings } from "./bindings.ts";
import type { DocumentTable } from "./document-table.ts";
import { type Column, distances } from "./postgres-column.ts";
import { compileFilter } from "./postgres-filter.ts";
import { indexedVector } from "./postgres-indexes.ts";
import { absolute, toDenseText, toSparseText } from "./vector-text.ts";

/** A statement with columns id, text, metadata and distance, best first. */
export interface SearchStatement {
  readonly sql: string;
  readonly values: readonly string[];
}

/**
 * The search of a sparse vector. pgvector has no test of whether two vectors share a dim, but the product of absolute
 * values is above zero then alone. As long as all weights are positive the product itself tells it, so that a store
 * without negative ones pays for one product a row, and zero scores are dropped after the best were found.
 *
 * @param candidates how many an HNSW index is asked for; undefined for a scan of all
 */
export function sparseSearch(
  table: DocumentTable,
  { suffix, field }: Column,
  { vector, k, filter }: BackendQuery<SparseVector>,
  candidates: number | undefined,
): SearchStatement {
  const bindings = new Bindings();
  const query = bindings.add(toSparseText(vector), "sparsevec");
  const column = `vector_${suffix}`;
  const signs = `absolute_${suffix}`;
  const hasSigns = `(SELECT EXISTS (SELECT FROM ${table.name} WHERE ${table.where(bindings, [`${signs} IS NOT NULL`])}))`;
  const isPositive = vector.values.every((weight) => weight > 0);
  const magnitudes = isPositive ? query : bindings.add(toSparseText(absolute(vector)), "sparsevec");
  const overlaps = `(COALESCE(${signs}, ${column}) <#> ${magnitudes}) < 0`;
  const conditions = [`${column} IS NOT NULL`];
  if (filter !== undefined) conditions.push(compileFilter(filter, bindings));
  let source = table.name;
  if (candidates === undefined) {
    conditions.push(isPositive ? `(NOT ${hasSigns} OR ${overlaps})` : overlaps);
  } else {
    const order = `${indexedVector(suffix, field.dimension)} <#> ${query}`;
    source = `(SELECT * FROM ${table.name} WHERE ${table.where(bindings, conditions)} ORDER BY ${order} LIMIT ${candidates}) AS candidates`;
    conditions.splice(0, conditions.length, overlaps);
  }
  const hits = isPositive && candidates === undefined ? [`(distance <> 0 OR ${hasSigns})`] : [];
  const sql = select(table, bindings, { source, distance: `${column} <#> ${query}`, conditions, k, hits });
  return { sql, values: bindings.values };
}

/** The search of a dense vector. */
export function denseSearch(
  table: DocumentTable,
  { suffix, field }: Column,
  { vector, k, filter }: BackendQuery<Float32Array>,
  candidates: number | undefined,
): SearchStatement {
  const bindings = new Bindings();
  const column = `vector_${suffix}`;
  const operator = distances[field.kind === "dense" ? field.metric : "dot"];
  const distance = `${column} ${operator} ${bindings.add(toDenseText(vector), "vector")}`;
  const conditions = [`${column} IS NOT NULL`];
  if (filter !== undefined) conditions.push(compileFilter(filter, bindings));
  let source = table.name;
  if (candidates !== undefined) {
    // Ordered by distance only, so that the index can give the order.
    source = `(SELECT * FROM ${table.name} WHERE ${table.where(bindings, conditions)} ORDER BY ${distance} LIMIT ${candidates}) AS candidates`;
    conditions.splice(0, conditions.length, "true");
  }
  const sql = select(table, bindings, { source, distance, conditions, k, hits: [] });
  return { sql, values: bindings.values };
}

interface Ranking {
  /** The table, or candidates from it. */
  readonly source: string;
  readonly distance: string;
  readonly conditions: readonly string[];
  readonly k: number;
  /** Conditions that a document of the best meets too. */
  readonly hits: readonly string[];
}

/** Texts and metadata are read for the best only. */
function select(
  table: DocumentTable,
  bindings: Bindings,
  { source, distance, conditions, k, hits }: Ranking,
): string {
  return (
    `WITH best AS (SELECT key, ${distance} AS distance FROM ${source} WHERE ${table.where(bindings, conditions)} ` +
    `ORDER BY distance, key LIMIT ${k}) ` +
    `SELECT id, text, metadata::text AS metadata, distance::text AS distance FROM best JOIN ${table.name} USING (key) ` +
    `WHERE ${table.where(bindings, hits)} ORDER BY best.distance, best.key`
  );
}
