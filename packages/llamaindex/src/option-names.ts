import { inspect } from "node:util";
import { SparseEncoderError } from "@sparse-encoder/core";

/** @throws SparseEncoderError `INVALID_ARGUMENT` for what is no object, `UNKNOWN_OPTION` with the valid names */
export function checkOptionNames(call: string, options: unknown, valid: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidArgument(`${call}: options must be an object, received ${received(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (valid.includes(name)) continue;
    throw new SparseEncoderError(
      "UNKNOWN_OPTION",
      `${call}: unknown option ${received(name)}. Valid options: ${valid.join(", ")}.`,
    );
  }
}

export function invalidArgument(message: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_ARGUMENT", message);
}

/** A value for a message: short, on one line. */
export function received(value: unknown): string {
  const text = inspect(value, { depth: 1, maxArrayLength: 5, maxStringLength: 80, breakLength: Infinity });
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** Without what is undefined, which must not hide a default. */
export function defined<Options extends object>(options: Options): Defined<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Defined<Options>;
}

type Defined<Options> = { [Name in keyof Options]?: Exclude<Options[Name], undefined> };
