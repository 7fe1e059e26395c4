import { readFile } from "node:fs/promises";
import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";

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
  } catch (cause) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} is not valid JSON: ${(cause as Error).message}`, {
      cause,
    });
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
 * that of `fallback` is an error that names file and key.
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

async function readTextFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SparseEncoderError("MODEL_INVALID", `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
