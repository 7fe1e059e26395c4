import type { Metadata, MetadataValue } from "../store.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const escaped = /[\0\u001a\ud800-\udfff]/gu;

/**
 * Postgres takes no NUL and no lone surrogates. They are written as U+001A with four hex digits after it, and so is
 * U+001A itself; all other text stands in the database as it is.
 */
export function escapeText(text: string): string {
  if (!text.includes("\0") && !text.includes("\u001a") && text.isWellFormed()) return text;
  // With `u`, a half of a pair matches only without its other half.
  return text.replace(
    escaped,
    (character) => `\u001a${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Undoes {@link escapeText}. */
export function unescapeText(text: string): string {
  if (!text.includes("\u001a")) return text;
  const [first, ...rest] = text.split("\u001a");
  return (
    first! + rest.map((part) => String.fromCharCode(parseInt(part.slice(0, 4), 16)) + part.slice(4)).join("")
  );
}

/** Metadata for a statement, its names and strings escaped. */
export function escapeMetadata(metadata: Metadata): MetadataValue {
  // What is escaped in JSON is what may need it here; most metadata have nothing of it.
  return /\\u(?:0000|001a|d[89a-f])/.test(JSON.stringify(metadata))
    ? mapText(metadata, escapeText)
    : metadata;
}

/** Metadata from the JSON that Postgres gives. */
export function parseMetadata(json: string): Metadata {
  const metadata = JSON.parse(json) as Metadata;
  return json.includes("\\u001a") ? (mapText(metadata, unescapeText) as Metadata) : metadata;
}

function mapText(value: MetadataValue, map: (text: string) => string): MetadataValue {
  if (typeof value === "string") return map(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((part: MetadataValue) => mapText(part, map));
  return Object.fromEntries(
    Object.entries(value as Metadata).map(([name, part]) => [map(name), mapText(part, map)]),
  );
}
