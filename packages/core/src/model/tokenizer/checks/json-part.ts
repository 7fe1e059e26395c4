import { received, SparseEncoderError } from "../../../errors.ts";
import { isJsonObject, type JsonObject } from "../../json-file.ts";

/** One part of a `tokenizer.json`, such as a normaliser, and where it stands, for messages. */
export class JsonPart {
  readonly json: JsonObject;
  private readonly file: string;
  private readonly place: string;

  /** @throws SparseEncoderError `TOKENIZER_INVALID` if `json` is not an object */
  constructor(json: unknown, file: string, place: string) {
    this.file = file;
    this.place = place;
    if (!isJsonObject(json)) throw this.invalid(`must be an object, found ${received(json)}`);
    this.json = json;
  }

  /** The kind of the part. */
  get type(): string {
    return this.text("type");
  }

  /** The part under `key`. */
  at(key: string): JsonPart {
    return new JsonPart(this.json[key], this.file, `${this.place}.${key}`);
  }

  /** The parts of a list. */
  list(key: string, most: number): JsonPart[] {
    const items = this.json[key];
    if (!Array.isArray(items)) throw this.invalid(`must have a list "${key}", found ${received(items)}`);
    if (items.length > most) throw this.invalid(`has ${items.length} entries in "${key}", more than ${most}`);
    return items.map((item, position) => new JsonPart(item, this.file, `${this.place}.${key}[${position}]`));
  }

  /** A text of at least `least` UTF-16 units. */
  text(key: string, least = 1): string {
    const value = this.json[key];
    if (typeof value === "string" && value.length >= least) return value;
    throw this.invalid(`must have a text "${key}", found ${received(value)}`);
  }

  /** A single character. */
  character(key: string, fallback?: string): string {
    const value = this.json[key] ?? fallback;
    if (typeof value === "string" && [...value].length === 1) return value;
    throw this.invalid(`must have a single character "${key}", found ${received(value)}`);
  }

  /** A whole number from `least` to `most`. */
  count(key: string, least: number, most: number): number {
    const value = this.json[key];
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
      return value as number;
    }
    throw this.invalid(
      `must have a whole number "${key}" from ${least} to ${most}, found ${received(value)}`,
    );
  }

  /** One of some names. */
  oneOf(key: string, names: readonly string[]): string {
    const value = names.find((name) => name === this.json[key]);
    if (value !== undefined) return value;
    throw this.invalid(`must have one of ${names.join(", ")} as "${key}", found ${received(this.json[key])}`);
  }

  /** True or false, or null where it may be, under each of the keys that is there. */
  flags(keys: readonly string[], nullable: readonly string[] = []): JsonObject {
    const found: Record<string, unknown> = {};
    for (const key of keys) {
      const value = this.json[key];
      if (value === undefined) continue;
      if (typeof value !== "boolean" && !(value === null && nullable.includes(key))) {
        throw this.invalid(`must have true or false as "${key}", found ${received(value)}`);
      }
      found[key] = value;
    }
    return found;
  }

  invalid(problem: string): SparseEncoderError {
    return new SparseEncoderError("TOKENIZER_INVALID", `${this.file}: ${this.place} ${problem}.`);
  }

  unsupported(problem: string): SparseEncoderError {
    return new SparseEncoderError("MODEL_UNSUPPORTED", `${this.file}: ${this.place} ${problem}.`);
  }
}

/** How deep parts may lie in each other, and how many a list may have: far more than any tokenizer needs. */
export const deepestPart = 4;
export const mostParts = 64;

/** Checks of the kinds of a part: each gives what the native library gets to see. */
export type PartChecks = Readonly<Record<string, (part: JsonPart, depth: number) => JsonObject>>;

/**
 * A part as the native library may see it: of a kind that is known, with checked values and nothing else; null if absent.
 *
 * @throws SparseEncoderError `TOKENIZER_INVALID`, or `MODEL_UNSUPPORTED` for a kind that is not known
 */
export function checkedPart(part: JsonPart, checks: PartChecks, depth = 0): JsonObject {
  if (depth > deepestPart) throw part.invalid("lies too deep in other parts");
  const { type } = part;
  const check = Object.hasOwn(checks, type) ? checks[type] : undefined;
  if (check === undefined) {
    throw part.unsupported(
      `has the kind ${received(type)}, which is not supported. Supported: ${Object.keys(checks).join(", ")}`,
    );
  }
  return { type, ...check(part, depth) };
}
