import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";
import { readRegularFile } from "./regular-file.ts";

/** A JSON object as parsed: values are checked where they are read. */
export type JsonObject = { readonly [key: string]: unknown };

/**
 * Reads a JSON file, or returns undefined if it does not exist.
 * @throws SparseEncoderError `MODEL_INVALID` for broken JSON, with the file and the place
 */
export async function readJsonFile(file: string): Promise<unknown> {
  const text = await readTextFile(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    // Not passed on: the message quotes the text, and a link may have led to a file outside the model.
    const [, position] = /at position (\d+)/.exec((error as Error).message) ?? [];
    const place = position === undefined ? "" : ` at character ${position}`;
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} is not valid JSON: it breaks off or errs${place}.`,
    );
  }
}

/** As {@link readJsonFile}, for files that must hold an object. */
export async function readJsonObject(file: string): Promise<JsonObject | undefined> {
  const json = await readJsonFile(file);
  if (json === undefined || isJsonObject(json)) return json;
  throw new SparseEncoderError("MODEL_INVALID", `${file} must hold a JSON object, found ${received(json)}.`);
}

export function isJsonObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/**
 * One key of a JSON file, as a reader of settings wants it: absent or null gives `fallback`; another type than
 * the type of `fallback` is an error that names file and key.
 */
export function setting<Value extends string | number | boolean>(
  json: JsonObject,
  key: string,
  fallback: Value,
  file: string,
): Value {
  const value = Object.hasOwn(json, key) ? json[key] : undefined;
  if (value === undefined || value === null) return fallback;
  if (typeof value !== typeof fallback) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${path.basename(file)}: "${key}" must be a ${typeof fallback}, found ${received(value)} in ${file}.`,
    );
  }
  return value as Value;
}

/** The text of a file of a model; undefined if there is none. */
export async function readTextFile(file: string): Promise<string | undefined> {
  try {
    return await readTextWhole(file);
  } catch (cause) {
    if (SparseEncoderError.is(cause)) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SparseEncoderError("MODEL_INVALID", `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Settings and vocabularies have a few megabytes; the largest that is known has 35. */
const longestText = 512 << 20;

async function readTextWhole(file: string): Promise<string> {
  const bytes = await readRegularFile(file, longestText);
  return bytes.toString("utf8");
}
