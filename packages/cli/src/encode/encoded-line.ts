import type { SparseEncoder, SparseVector } from "@sparse-encoder/core";
import type { InputRecord } from "../input/input-record.ts";

/** What stands in a line of the output. */
export interface LineOptions {
  /** Whether the other fields of a record, and its text, stand in its line too. */
  readonly keepFields: boolean;
  /** Writes weights by vocabulary piece in place of numbered dims; undefined to write numbers. */
  readonly tokensOf: SparseEncoder | undefined;
}

/** A record and its vector as a line of JSON. */
export function encodedLine(
  record: InputRecord,
  vector: SparseVector | Float32Array,
  { keepFields, tokensOf }: LineOptions,
): string {
  const { id, text, fields } = record;
  const kept = keepFields ? { ...fields, id, text } : { id };
  if (vector instanceof Float32Array) return jsonLine({ ...kept, embedding: Array.from(vector, shortFloat) });
  if (tokensOf !== undefined) {
    const weights = tokensOf.decode(vector).map(([token, weight]) => [token, shortFloat(weight)]);
    return jsonLine({ ...kept, weights: Object.fromEntries(weights) });
  }
  const values = Array.from(vector.values, shortFloat);
  return jsonLine({ ...kept, indices: Array.from(vector.indices), values });
}

/** A float32 with the nine digits that tell it from all others. */
export function shortFloat(value: number): number {
  return Number(value.toPrecision(9));
}

/** 64-bit whole numbers, which Parquet files have, are written as numbers where these hold them. */
function jsonLine(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "bigint") return part;
    return Number.isSafeInteger(Number(part)) ? Number(part) : String(part);
  });
  return `${text}\n`;
}
