import { Bindings } from "./bindings.ts";
import type { DocumentTable } from "./document-table.ts";
import type { Column } from "./postgres-column.ts";
import { dimsOfText } from "./postgres-indexes.ts";
import type { SearchStatement } from "./postgres-search.ts";

/**
 * How many documents have vectors of a column, and in how many of them each dim is active: columns `vectors` and `active`,
 * which is a JSON list in the order of the dims.
 *
 * @param indexed the expression of the index of dims; undefined without one, which takes a pass over all vectors
 */
export function dimCount(
  table: DocumentTable,
  { suffix }: Column,
  dims: readonly number[],
  indexed: string | undefined,
): SearchStatement {
  const bindings = new Bindings();
  const asked = `json_array_elements_text(${bindings.add(JSON.stringify(dims.map((dim) => dim + 1)), "json")}) WITH ORDINALITY AS asked(dim, place)`;
  const source = `${table.name} WHERE ${table.where(bindings)}`;
  const vectors = `(SELECT count(vector_${suffix}) FROM ${source})::text AS vectors`;
  const list = (count: string) => `COALESCE(json_agg(${count} ORDER BY place), '[]')::text AS active`;
  if (indexed !== undefined) {
    const count = `(SELECT count(*) FROM ${source} AND ${indexed} @> ARRAY[dim::int])`;
    return { sql: `SELECT ${vectors}, ${list(count)} FROM ${asked}`, values: bindings.values };
  }
  const all = `SELECT unnest(${dimsOfText(`vector_${suffix}::text`)}) AS dim FROM ${source}`;
  const counted = `SELECT dim, count(*) AS documents FROM (${all}) AS active GROUP BY dim`;
  return {
    sql:
      `WITH counted AS (${counted}) SELECT ${vectors}, ${list("COALESCE(documents, 0)")} ` +
      `FROM ${asked} LEFT JOIN counted ON counted.dim = asked.dim::int`,
    values: bindings.values,
  };
}
