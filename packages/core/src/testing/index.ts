/**
 * For tests: the conformance suite of stores, and encoders that need no model.
 *
 * @module @sparse-encoder/core/testing
 */
export { FakeDenseEmbedder } from "./fake-dense-embedder.ts";
export type { FakeEncodeOptions } from "./fake-encoder.ts";
export { FakeSparseEncoder } from "./fake-sparse-encoder.ts";
export { type OpenStore, type StoreCase, storeConformance } from "./store-conformance.ts";
