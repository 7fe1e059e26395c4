import { SparseEncoderError } from "@sparse-encoder/core";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Kinds of errors in answers, as text-embeddings-inference names them. */
export type ApiErrorType = "Unhealthy" | "Backend" | "Overloaded" | "Validation" | "Tokenizer";

/** An error with the status of its answer. */
export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly type: ApiErrorType;
  /** Seconds after which a client may try again. */
  readonly retryAfter: number | undefined;

  constructor(status: ContentfulStatusCode, type: ApiErrorType, message: string, retryAfter?: number) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.type = type;
    this.retryAfter = retryAfter;
  }
}

/** A request that the server cannot take up now. */
export function overloaded(message: string): ApiError {
  return new ApiError(429, "Overloaded", message, 1);
}

/** A body or parameter that is wrong. */
export function invalidRequest(message: string): ApiError {
  return new ApiError(422, "Validation", message);
}

/** Codes of the library that the request is to blame for. */
const requestCodes = new Set<string>([
  "INVALID_ARGUMENT",
  "UNKNOWN_OPTION",
  "INVALID_TEXT",
  "DATA_INVALID",
  "INVALID_DOCUMENT",
  "INVALID_FILTER",
  "INVALID_VECTOR",
  "STORE_UNSUPPORTED",
  "STORE_MISMATCH",
]);

/** Any failure as an answer. Messages of unexpected failures stay on the server. */
export function toApiError(failure: unknown): ApiError {
  const error = SparseEncoderError.is(failure, "ABORTED") ? reasonOf(failure) : failure;
  if (error instanceof ApiError) return error;
  if (error instanceof Error && error.name === "TimeoutError") {
    return new ApiError(503, "Overloaded", "The request took longer than the server allows.", 1);
  }
  if (!SparseEncoderError.is(error))
    return new ApiError(500, "Backend", "The server failed; its log has the cause.");
  if (requestCodes.has(error.code)) return invalidRequest(error.message);
  if (error.code === "CLOSED") return new ApiError(503, "Unhealthy", "The server is ending.", 5);
  if (error.code === "TIMEOUT") return new ApiError(503, "Overloaded", error.message, 1);
  return new ApiError(500, "Backend", `The server failed with ${error.code}; its log has the cause.`);
}

/** Why a call was aborted: the reason of its signal, which errors on the way have as their cause. */
function reasonOf(error: SparseEncoderError): unknown {
  let reason: unknown = error;
  while (SparseEncoderError.is(reason) && reason.cause !== undefined) reason = reason.cause;
  return reason;
}
