import { received, SparseEncoderError } from "../errors.ts";
import { isPlainObject } from "./plain-object.ts";

/** A value of metadata: JSON. */
export type MetadataValue =
  | string
  | number
  | boolean
  | null
  | readonly MetadataValue[]
  | { readonly [name: string]: MetadataValue };

/** What is known of a document beside its text: a JSON object. */
export type Metadata = { readonly [name: string]: MetadataValue };

/** Maximum nesting of metadata; a cycle ends here too. */
export const maximumDepth = 64;

/**
 * A deep copy of metadata, frozen at every level. Properties that are undefined are left out, as JSON does.
 * @param place names the document for the message
 * @throws SparseEncoderError `INVALID_DOCUMENT` for what is no JSON: NaN, dates, maps, functions, cycles
 */
export function checkMetadata(place: string, metadata: unknown): Metadata {
  if (!isPlainObject(metadata)) {
    throw invalid(place, "metadata", `must be an object, received ${received(metadata)}`);
  }
  return copyValue(place, "metadata", metadata, 1) as Metadata;
}

/** Freezes JSON at every level. */
export function freezeMetadata(value: MetadataValue): void {
  if (typeof value !== "object" || value === null) return;
  for (const part of Object.values(value) as MetadataValue[]) freezeMetadata(part);
  Object.freeze(value);
}

function copyValue(place: string, path: string, value: unknown, depth: number): MetadataValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (depth > maximumDepth) {
    throw invalid(place, path.slice(0, 60), `nests more than ${maximumDepth} levels deep`);
  }
  if (Array.isArray(value)) {
    const parts = Array.from(value, (part: unknown, position) =>
      copyValue(place, `${path}[${position}]`, part, depth + 1),
    );
    return Object.freeze(parts);
  }
  if (!isPlainObject(value)) {
    const hint = value instanceof Date ? "; write dates as ISO strings or as numbers" : "";
    throw invalid(place, path, `is no JSON value, received ${received(value)}${hint}`);
  }
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  // `fromEntries` defines properties, so that one named `__proto__` is a property too.
  return Object.freeze(
    Object.fromEntries(
      entries.map(([name, part]) => [name, copyValue(place, `${path}.${name}`, part, depth + 1)]),
    ),
  );
}

function invalid(place: string, path: string, problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_DOCUMENT", `Not a valid document: ${place}: ${path} ${problem}.`);
}
