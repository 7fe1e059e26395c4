import type { SparseVector } from "../../vector/index.ts";
import type { BackendQuery } from "../backend.ts";
import { Bindings } from "./bindings.ts";
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
  table: string,
  { suffix, field }: Column,
  { vector, k, filter }: BackendQuery<SparseVector>,
  candidates: number | undefined,
): SearchStatement {
  const bindings = new Bindings();
  const query = bindings.add(toSparseText(vector), "sparsevec");
  const column = `vector_${suffix}`;
  const signs = `absolute_${suffix}`;
  const hasSigns = `(SELECT EXISTS (SELECT FROM ${table} WHERE ${signs} IS NOT NULL))`;
  const isPositive = vector.values.every((weight) => weight > 0);
  const magnitudes = isPositive ? query : bindings.add(toSparseText(absolute(vector)), "sparsevec");
  const overlaps = `(COALESCE(${signs}, ${column}) <#> ${magnitudes}) < 0`;
  const conditions = [`${column} IS NOT NULL`];
  if (filter !== undefined) conditions.push(compileFilter(filter, bindings));
  let source = table;
  if (candidates === undefined) {
    conditions.push(isPositive ? `(NOT ${hasSigns} OR ${overlaps})` : overlaps);
  } else {
    const order = `${indexedVector(suffix, field.dimension)} <#> ${query}`;
    source = `(SELECT * FROM ${table} WHERE ${conditions.join(" AND ")} ORDER BY ${order} LIMIT ${candidates}) AS candidates`;
    conditions.splice(0, conditions.length, overlaps);
  }
  const isHit = isPositive && candidates === undefined ? `WHERE distance <> 0 OR ${hasSigns}` : "";
  return {
    sql: select(table, source, `${column} <#> ${query}`, conditions, k, isHit),
    values: bindings.values,
  };
}

/** The search of a dense vector. */
export function denseSearch(
  table: string,
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
  let source = table;
  if (candidates !== undefined) {
    // Ordered by distance only, so that the index can give the order.
    source = `(SELECT * FROM ${table} WHERE ${conditions.join(" AND ")} ORDER BY ${distance} LIMIT ${candidates}) AS candidates`;
    conditions.splice(0, conditions.length, "true");
  }
  return { sql: select(table, source, distance, conditions, k, ""), values: bindings.values };
}

/** Texts and metadata are read for the best only. */
function select(
  table: string,
  source: string,
  distance: string,
  conditions: readonly string[],
  k: number,
  isHit: string,
): string {
  return (
    `WITH best AS (SELECT key, ${distance} AS distance FROM ${source} WHERE ${conditions.join(" AND ")} ` +
    `ORDER BY distance, key LIMIT ${k}) ` +
    `SELECT id, text, metadata::text AS metadata, distance::text AS distance FROM best JOIN ${table} USING (key) ${isHit} ` +
    "ORDER BY best.distance, best.key"
  );
}
