import { messageOf, SparseEncoderError, type SparseEncoderErrorCode } from "../../errors.ts";

/** An `add` that failed, with the code and the cause of the failure below. */
export class IngestionError extends SparseEncoderError {
  /** Documents from the start of the source that are certainly stored. A call with `skip` of this number goes on. */
  readonly stored: number;

  constructor(code: SparseEncoderErrorCode, message: string, stored: number, cause: unknown) {
    super(code, message, { cause });
    this.stored = stored;
  }
}

/** An error of this library as it is; another error wrapped. */
export function failureOf(cause: unknown, code: SparseEncoderErrorCode, what: string): SparseEncoderError {
  if (SparseEncoderError.is(cause)) return cause;
  return new SparseEncoderError(code, `${what}: ${messageOf(cause)}`, { cause });
}
