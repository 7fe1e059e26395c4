import { createHash } from "node:crypto";
import { received, SparseEncoderError } from "../../errors.ts";
import type { FilterValue } from "../filter/filter.ts";
import { filterOperators } from "../filter/filter.ts";
import type { FilterCondition, FilterNode } from "../filter/filter-node.ts";
import type { Metadata, MetadataValue } from "../store.ts";
import { toOrderKey } from "./order-key.ts";

/** Code units of a string that its bound keeps: enough to compare it with any shorter one. */
const boundLength = 128;

/** The longest string that a comparison may be with, in code units. */
export const maximumBoundLength = boundLength - 1;

/**
 * What filters ask of metadata, for engines whose own filters know less: a field is there, it or an element of it is a
 * value, or its least or greatest number or string lies on one side of another. Terms and bounds are made of letters,
 * digits, `-` and `_` only, so that no filter can be more than the condition it is.
 */
export interface MetadataTerms {
  readonly terms: readonly string[];
  /** Least and greatest by {@link boundName}, as strings that order as the values do. */
  readonly bounds: Readonly<Record<string, string>>;
  /** The same as they are in the metadata. */
  readonly ends: Readonly<Record<string, string | number>>;
}

/** Which end of the values of a field, and which kind of them. */
export type BoundSide = "least" | "greatest";
type BoundKind = "number" | "string";

export function termsOf(metadata: Metadata): MetadataTerms {
  const terms = new Set<string>();
  const bounds: Record<string, string> = {};
  const ends: Record<string, string | number> = {};
  const visit = (path: readonly string[], value: MetadataValue) => {
    terms.add(existsTerm(path));
    for (const element of Array.isArray(value) ? (value as readonly MetadataValue[]) : [value]) {
      if (typeof element === "object" && element !== null) continue;
      terms.add(equalTerm(path, element));
      if (typeof element !== "number" && typeof element !== "string") continue;
      terms.add(kindTerm(path, element));
      const bound = toBound(element);
      const least = boundName(path, element, "least");
      const greatest = boundName(path, element, "greatest");
      if (bounds[least] === undefined || bound < bounds[least]) {
        bounds[least] = bound;
        ends[least] = element;
      }
      if (bounds[greatest] === undefined || bound > bounds[greatest]) {
        bounds[greatest] = bound;
        ends[greatest] = element;
      }
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    for (const [name, part] of Object.entries(value as Metadata)) visit([...path, name], part);
  };
  for (const [name, value] of Object.entries(metadata)) visit([name], value);
  return { terms: [...terms], bounds, ends };
}

/** The term of a document in which the field is there. */
export function existsTerm(path: readonly string[]): string {
  return digest(["exists", path]);
}

/** The term of a document in which the field or an element of it is the value. */
export function equalTerm(path: readonly string[], value: FilterValue): string {
  return digest(["equal", path, value]);
}

/** The term of a document in which the field or an element of it is of the kind of `value`. */
export function kindTerm(path: readonly string[], value: string | number): string {
  return digest(["kind", path, typeof value]);
}

/** The term of a document that has a vector of this name. */
export function vectorTerm(name: string): string {
  return digest(["vector", name]);
}

/** Name of the least or greatest of the numbers, or of the strings, of a field. */
export function boundName(path: readonly string[], value: string | number, side: BoundSide): string {
  const kind: BoundKind = typeof value === "number" ? "number" : "string";
  return digest(["bound", path, kind, side]);
}

/** A string that orders as the value does among values of its type. */
export function toBound(value: string | number): string {
  if (typeof value === "string") {
    return Buffer.from(toOrderKey(value.slice(0, boundLength).toWellFormed()), "utf8").toString("hex");
  }
  const bytes = Buffer.alloc(8);
  // -0 is 0.
  bytes.writeDoubleBE(value + 0);
  // Negative numbers order backwards by their bits, and have the first bit set.
  if (bytes[0]! >= 0x80) for (const [position, byte] of bytes.entries()) bytes[position] = ~byte;
  else bytes[0]! |= 0x80;
  return bytes.toString("hex");
}

/** 128 bits: two fields or values of one term are not to be met. */
function digest(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("base64url").slice(0, 22);
}

/** A filter that terms and bounds can answer. */
export type TermFilter = FilterNode<Exclude<FilterCondition, { readonly type: "contains" }>>;

/** The operators of a {@link TermFilter}: the front of a store with these refuses filters with others. */
export const termFilterOperators: ReadonlySet<string> = new Set(
  filterOperators.filter((operator) => operator !== "$contains"),
);

/** @throws SparseEncoderError `STORE_UNSUPPORTED` for a string that is longer than the stored bounds tell */
export function checkBound(
  store: string,
  { path, operator, value }: Extract<FilterCondition, { readonly type: "compare" }>,
): void {
  if (typeof value !== "string" || value.length <= maximumBoundLength) return;
  throw new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `The ${store} store compares with strings of up to ${maximumBoundLength} characters; $${operator} of ${received(path.join("."))} has one of ${value.length}.`,
  );
}
