import { invalidArgument, received } from "../errors.ts";
import type { StoreBackend } from "./backend.ts";
import type { Store, VectorSchema } from "./store.ts";
import { StoreFront } from "./store-front.ts";

/** Methods that every backend has. */
const methods = ["write", "remove", "read", "count", "pages", "rankSparse", "rankDense", "close"] as const;

/**
 * A store on a backend of your own, with the front that all stores of this library have: it checks arguments, limits,
 * signals and names of vectors, orders hits, and lets `close` wait for calls under way. docs/writing-a-store.md shows one.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT` for a backend that lacks a method
 * @example
 * const store = createStore(new MapBackend(vectors));
 */
export function createStore(backend: StoreBackend): Store & { readonly vectors: VectorSchema } {
  const missing = methods.find((method) => typeof backend?.[method] !== "function");
  if (missing !== undefined) {
    throw invalidArgument(
      `createStore: the backend needs a method ${missing}, received ${received(backend)}; see StoreBackend.`,
    );
  }
  if (!(backend.fields instanceof Map)) {
    throw invalidArgument(
      `createStore: fields of the backend must be a Map of vectors by name, received ${received(backend.fields)}.`,
    );
  }
  return new StoreFront(backend);
}
