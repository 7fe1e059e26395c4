export { type DenseEncodeOptions, DenseEncoder, type DenseEncoderOptions } from "./dense-encoder.ts";
export type { EncodeOptions, EncodeProgress } from "./encode-options.ts";
export type { EncoderDescription, LoadOptions } from "./encoder.ts";
export {
  type DecodedToken,
  type SparseEncodeOptions,
  SparseEncoder,
  type SparseEncoderOptions,
} from "./sparse-encoder.ts";
