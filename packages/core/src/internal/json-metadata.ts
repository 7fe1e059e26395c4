import { received, SparseEncoderError } from "../errors.ts";
import type { FieldCondition, Filter, FilterValue, Metadata } from "../stores/index.ts";

/** A filter whose values may also be dates and bigints, as metadata of a framework's documents may have them. */
export type DocumentFilter = {
  readonly $and?: readonly DocumentFilter[] | undefined;
  readonly $or?: readonly DocumentFilter[] | undefined;
  readonly $not?: DocumentFilter | undefined;
} & {
  readonly [field: string]:
    | FilterValue
    | Date
    | bigint
    | FieldCondition
    | DocumentCondition
    | readonly DocumentFilter[]
    | DocumentFilter
    | undefined;
};

/** Conditions on one field, as `FieldCondition`, whose values may also be dates and bigints. */
export type DocumentCondition = {
  readonly [Operator in keyof FieldCondition]?: WithDates<NonNullable<FieldCondition[Operator]>> | undefined;
};

type WithDates<Value> = Value extends boolean
  ? Value
  : Value extends readonly unknown[]
    ? readonly (FilterValue | Date | bigint)[]
    : Value | Date | bigint;

/**
 * Metadata as stores keep them, made of metadata as the documents of a framework have them. What `JSON.stringify` keeps is
 * kept:
 *
 * - Dates become ISO text; an object with `toJSON`, such as a URL, becomes what `toJSON` gives.
 * - An instance of a class becomes an object of its own enumerable properties.
 * - NaN and infinite numbers become null; so do undefined, functions and symbols in a list. As properties, these are left out.
 *
 * One rule is added, where `JSON.stringify` fails: a bigint becomes a number if a number can hold it exactly, else its digits
 * as text.
 *
 * Metadata that are JSON already are given back as they are, not copied.
 *
 * @param place names the document for messages, such as `document 3`
 * @throws SparseEncoderError `INVALID_DOCUMENT` for what has no JSON: cycles, a `toJSON` that fails
 */
export function jsonMetadata(place: string, metadata: unknown): Metadata | undefined {
  try {
    if (isJson(metadata, 0)) return metadata as Metadata | undefined;
    const json = JSON.stringify(metadata, (_, value: unknown) => jsonValue(value)) as string | undefined;
    return json === undefined ? undefined : JSON.parse(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0]! : received(cause);
    throw new SparseEncoderError(
      "INVALID_DOCUMENT",
      `The metadata of ${place} cannot become JSON: ${reason}.`,
      {
        cause,
      },
    );
  }
}

/**
 * A filter whose dates and bigints are what {@link jsonMetadata} makes of them, so that conditions compare like with like. All
 * else is left to the stores, which check it.
 */
export function jsonFilter(filter: DocumentFilter | undefined): Filter | undefined {
  return jsonFilterValue(filter) as Filter | undefined;
}

/** A value of a filter, or a part of one, as {@link jsonFilter} makes it. */
export function jsonFilterValue(value: unknown): unknown {
  return comparable(value, 0);
}

/** Deepest nesting of filters that is looked into: stores refuse deeper filters. */
const maximumFilterDepth = 64;

function comparable(value: unknown, depth: number): unknown {
  if (depth > maximumFilterDepth) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? value : value.toISOString();
  if (typeof value === "bigint") return jsonValue(value);
  if (Array.isArray(value)) return value.map((part: unknown) => comparable(part, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, comparable(part, depth + 1)]));
}

function jsonValue(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : `${value}`;
}

/** Depth at which the quick check gives up. */
const maximumQuickDepth = 64;

/** A quick check for the usual case. */
function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (depth > maximumQuickDepth || typeof value !== "object") return false;
  if (Array.isArray(value)) return value.every((part) => isJson(part, depth + 1)) && !hasHoles(value);
  if (!isRecord(value) || "toJSON" in value) return false;
  return Object.values(value).every((part) => part === undefined || isJson(part, depth + 1));
}

function hasHoles(list: readonly unknown[]): boolean {
  return Object.keys(list).length !== list.length;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Of any realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
