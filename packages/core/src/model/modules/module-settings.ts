import path from "node:path";
import { received, SparseEncoderError } from "../../errors.ts";
import { type JsonObject, readJsonObject, setting } from "../json-file.ts";

/** A module as `modules.json` or a router lists it. */
export interface ListedModule {
  /** Dotted class name. */
  readonly type: string;
  /** Absolute path of the folder. */
  readonly folder: string;
  /** The file that lists the module. */
  readonly listedIn: string;
}

/** Settings of a module, and their file for messages. */
export interface ModuleSettings {
  readonly file: string;
  readonly json: JsonObject;
}

/**
 * The `config.json` of a module.
 * @throws SparseEncoderError `MODEL_INVALID` if the file is missing: defaults in its place would give other vectors
 */
export async function readModuleSettings({ folder, listedIn }: ListedModule): Promise<ModuleSettings> {
  const file = path.join(folder, "config.json");
  const json = await readJsonObject(file);
  if (json === undefined) throw missingSettings(file, listedIn);
  return { file, json };
}

/** The error for a module that is listed, but whose settings are not there. */
export function missingSettings(file: string, listedIn: string): SparseEncoderError {
  return new SparseEncoderError(
    "MODEL_INVALID",
    `${listedIn} lists the module ${path.basename(path.dirname(file))}, but ${file} is missing: the model is incomplete. Download or copy the model with all its folders.`,
  );
}

/** The first of these JSON files that exists; the first name and no settings if none does. */
export async function readFirstSettings(folder: string, names: readonly string[]): Promise<ModuleSettings> {
  for (const name of names) {
    const file = path.join(folder, name);
    const json = await readJsonObject(file);
    if (json !== undefined) return { file, json };
  }
  return { file: path.join(folder, names[0]!), json: {} };
}

/**
 * A size that a module cannot do without.
 * @throws SparseEncoderError `MODEL_INVALID`
 */
export function requiredSize({ json, file }: ModuleSettings, key: string): number {
  const size: number = setting(json, key, 0, file);
  if (Number.isSafeInteger(size) && size >= 1) return size;
  throw new SparseEncoderError(
    "MODEL_INVALID",
    `${file}: "${key}" must be a whole number of at least 1, found ${received(json[key])}.`,
  );
}

/**
 * A setting with a list of names; the first one is the default.
 * @throws SparseEncoderError `MODEL_INVALID`
 */
export function oneOf<Name extends string>(
  { json, file }: ModuleSettings,
  key: string,
  names: readonly [Name, ...Name[]],
): Name {
  const value = setting(json, key, names[0] as string, file);
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw new SparseEncoderError(
    "MODEL_INVALID",
    `${file}: "${key}" must be one of ${names.join(", ")}, found ${received(value)}.`,
  );
}

/**
 * Refuses settings whose values change the vectors in a way that is not supported. A setting that is absent, null, or has
 * one of the values given for it changes nothing.
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`
 */
export function refuseSettings(
  { json, file }: ModuleSettings,
  allowed: Readonly<Record<string, readonly unknown[]>>,
): void {
  for (const [key, values] of Object.entries(allowed)) {
    const value = Object.hasOwn(json, key) ? json[key] : null;
    if (value === null || value === undefined || values.includes(value)) continue;
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file}: "${key}": ${received(value)} is not supported.${values.length === 0 ? "" : ` Supported: ${values.map(received).join(", ")}.`}`,
    );
  }
}
