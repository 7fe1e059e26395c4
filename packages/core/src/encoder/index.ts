export { Bm25Encoder } from "./bm25/bm25-encoder.ts";
export type {
  Bm25EncodeOptions,
  Bm25EncoderOptions,
  Bm25FitOptions,
  Bm25LoadOptions,
} from "./bm25/bm25-options.ts";
export type { Bm25Summary } from "./bm25/collection-counts.ts";
export type { Analyzer, AnalyzerOptions } from "./bm25/terms/analyzer.ts";
export {
  CrossEncoder,
  type CrossEncoderOptions,
  type PredictOptions,
  type RankedText,
  type RankOptions,
} from "./cross/cross-encoder.ts";
export type { DecodedToken } from "./decoded-tokens.ts";
export { type DenseEncodeOptions, DenseEncoder, type DenseEncoderOptions } from "./dense-encoder.ts";
export type { TextPiece } from "./embedding/text-splitter.ts";
export type {
  EncodeOptions,
  EncodeProgress,
  EncodeStatistics,
  Progress,
  SplitOptions,
} from "./encode-options.ts";
export type { EncoderPool } from "./encoder-pool.ts";
export { HybridEncoder, type HybridHalf } from "./hybrid/hybrid-encoder.ts";
export type { HybridMatrix, HybridVector } from "./hybrid/hybrid-matrix.ts";
export { listDevices } from "./loading/devices.ts";
export { type DownloadOptions, downloadModel } from "./loading/download-model.ts";
export type { EncoderDescription } from "./loading/encoder-description.ts";
export type { LoadOptions } from "./loading/load-options.ts";
export { RemoteDenseEncoder } from "./remote/remote-dense-encoder.ts";
export type { RemoteDescription } from "./remote/remote-encoder.ts";
export type {
  RemoteDenseEncodeOptions,
  RemoteEncodeOptions,
  RemoteEncoderOptions,
  RemoteSparseEncodeOptions,
  RemoteSparseEncoderOptions,
  RemoteTlsOptions,
} from "./remote/remote-options.ts";
export { RemoteSparseEncoder } from "./remote/remote-sparse-encoder.ts";
export {
  type SparseEncodeOptions,
  SparseEncoder,
  type SparseEncoderOptions,
} from "./sparse-encoder.ts";
