import { SparseEncoderError } from "@sparse-encoder/core";

export function invalidArgument(message: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_ARGUMENT", message);
}

/** Without what is undefined, which must not hide a default. */
export function defined<Options extends object>(options: Options): Defined<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Defined<Options>;
}

type Defined<Options> = { [Name in keyof Options]?: Exclude<Options[Name], undefined> };
