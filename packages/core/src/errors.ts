import { inspect } from "node:util";

/** What went wrong, for programs. Codes are stable; messages are for people and may change. */
export type SparseEncoderErrorCode =
  /** An option or argument has a value that cannot work. */
  | "INVALID_ARGUMENT"
  /** An option name that does not exist. */
  | "UNKNOWN_OPTION"
  /** A text is not a string. */
  | "INVALID_TEXT"
  /** A sparse vector or matrix breaks its rules (order, range, finite non-zero values). */
  | "INVALID_VECTOR"
  /** No such folder, or the folder holds no model. */
  | "MODEL_NOT_FOUND"
  /** A file of the model is broken or contradicts another one. */
  | "MODEL_INVALID"
  /** The model is of a kind that this library does not run. */
  | "MODEL_UNSUPPORTED"
  /** The weights file is cut, inconsistent, or lacks a tensor. */
  | "WEIGHTS_INVALID"
  /** The tokenizer is missing, broken, or does not fit the model. */
  | "TOKENIZER_INVALID"
  /** The hub, or a server that encodes, cannot be reached or answers with a server error again and again. */
  | "NETWORK"
  /** The network may not be used, and the cache does not hold all files of the model. */
  | "HUB_OFFLINE"
  /** The hub answered 401: the token is missing or not accepted, or the model does not exist. */
  | "HUB_UNAUTHORIZED"
  /** The model exists, but its owner has not given this account access to it. */
  | "HUB_GATED"
  /** The hub has no such model, revision or file. */
  | "HUB_NOT_FOUND"
  /** The hub's answer breaks its own rules: an unsafe file name, a broken hash, a listing that is not a list. */
  | "HUB_INVALID"
  /** A downloaded file is shorter than announced, or its checksum is wrong. */
  | "DOWNLOAD_CORRUPT"
  /** The cache folder cannot be written: disk full, read-only, no permission. */
  | "CACHE_UNWRITABLE"
  /** A model that is to be deleted from the cache is open, or is loaded or downloaded. */
  | "CACHE_IN_USE"
  /** A device that was named cannot be used here. */
  | "DEVICE_UNAVAILABLE"
  /** A document has a bad id, text or metadata. */
  | "INVALID_DOCUMENT"
  /** A file of a collection, of judgements or of a run is missing or malformed. */
  | "DATA_INVALID"
  /** A filter has an unknown operator, or a value of a type that cannot work. */
  | "INVALID_FILTER"
  /** The store cannot do what was asked for. */
  | "STORE_UNSUPPORTED"
  /** What is stored is of another kind, dimension, model or format version. */
  | "STORE_MISMATCH"
  /** A file of the store is cut or changed. */
  | "STORE_CORRUPT"
  /** Another process writes to the store. */
  | "STORE_LOCKED"
  /** The store's server or disk does not do its work; `cause` is its error. */
  | "STORE_FAILED"
  /** A package that this feature needs is not installed. */
  | "MISSING_PACKAGE"
  /** An arm of a hybrid retriever failed; `cause` is its error. */
  | "ARM_FAILED"
  /** The reranker of a hybrid retriever failed; `cause` is its error. */
  | "RERANK_FAILED"
  /** A server that encodes refused a request: a wrong key, a wrong model, a text that is too long. */
  | "REMOTE_REFUSED"
  /** A server that encodes answered in another shape than is documented. */
  | "REMOTE_INVALID"
  /** A server that encodes does not give what this call needs. */
  | "REMOTE_UNSUPPORTED"
  /** A call took longer than it was allowed to. */
  | "TIMEOUT"
  /** There is no binary for this system, processor or C library. */
  | "PLATFORM_UNSUPPORTED"
  /** Another version of ONNX Runtime was loaded in this process before. */
  | "RUNTIME_CONFLICT"
  /** A package that this one needs cannot be found, often because a bundler or a copy left it behind. */
  | "INSTALLATION_INCOMPLETE"
  /** A worker thread ended or failed, and its replacement did too. */
  | "WORKER_FAILED"
  /** Use after `close()`. */
  | "CLOSED"
  /** The `signal` of the call was aborted; `cause` is its reason. */
  | "ABORTED";

const marker = Symbol.for("@sparse-encoder/core/error");

/**
 * The one error class of this library. `code` says what went wrong, `message` what was received and what to
 * do, `cause` the error below, if any.
 *
 * Recognise it with {@link SparseEncoderError.is} rather than `instanceof`: the check then also holds when
 * the ESM and the CommonJS build are loaded side by side.
 */
export class SparseEncoderError extends Error {
  /** What went wrong, for programs. */
  readonly code: SparseEncoderErrorCode;

  constructor(code: SparseEncoderErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    // Programs tell an abort from a failure by this name, whoever throws it.
    this.name = code === "ABORTED" ? "AbortError" : "SparseEncoderError";
    this.code = code;
    Object.defineProperty(this, marker, { value: true });
  }

  /** True for an error of this library, of the given code if one is given. */
  static is(error: unknown, code?: SparseEncoderErrorCode): error is SparseEncoderError {
    return (
      typeof error === "object" &&
      error !== null &&
      marker in error &&
      (code === undefined || ("code" in error && error.code === code))
    );
  }
}

/** The received value for a message: short, on one line, never megabytes. */
export function received(value: unknown): string {
  if (typeof value === "string" && value.length > 80) return `${inspect(value.slice(0, 80))}…`;
  const text = inspect(value, { depth: 1, maxArrayLength: 5, maxStringLength: 80, breakLength: Infinity });
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** An error for an argument or option that cannot work. */
export function invalidArgument(message: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_ARGUMENT", message);
}

/** True for an error of the file system, which names the call that failed; also for one of another realm, as tests have them. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === "object" && error !== null && "syscall" in error && "message" in error;
}

/** Characters of a message that other code made, which may quote whatever it was given. */
const longestForeignMessage = 300;

/** The message of anything that was thrown by other code: short, whatever it quotes. */
export function shortMessage(error: unknown): string {
  const message = hasMessage(error) ? error.message : received(error);
  return message.length > longestForeignMessage ? `${message.slice(0, longestForeignMessage)}…` : message;
}

/** The message of anything that was thrown, as a sentence. */
export function messageOf(error: unknown): string {
  const message = hasMessage(error) ? error.message : received(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

function hasMessage(error: unknown): error is { readonly message: string } {
  return (
    typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
  );
}
