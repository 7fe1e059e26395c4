export type { EncodeOptions, EncodeProgress } from "./encode-options.ts";
export { type DecodedToken, SparseEncoder, type SparseEncoderOptions } from "./sparse-encoder.ts";
