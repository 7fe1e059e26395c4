import { SparseEncoderError } from "../../errors.ts";

/** A `TIMEOUT` error that also tells which step the call was waiting for; any other error as it is. */
export function lateIn(error: unknown, step: string): unknown {
  if (!SparseEncoderError.is(error, "TIMEOUT")) return error;
  return new SparseEncoderError("TIMEOUT", `${error.message} The call was waiting for ${step}.`, {
    cause: error,
  });
}
