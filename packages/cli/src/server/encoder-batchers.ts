import type {
  DenseEncoder,
  DenseMatrix,
  SparseEncoder,
  SparseMatrix,
  SparseVector,
} from "@sparse-encoder/core";
import { type EncodeKind, kindOfKey } from "./encode-kind.ts";
import type { ServerLimits } from "./guards/server-limits.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import { TextBatcher } from "./text-batcher.ts";

/** Options of a batch. */
type BatchOptions = Omit<EncodeKind, "task"> & { readonly batchSize: number };

/** An encoder of sparse or of dense vectors. */
interface KindEncoder<Rows> {
  encode(texts: readonly string[], options: BatchOptions): Promise<Rows>;
  encodeQuery(texts: readonly string[], options: BatchOptions): Promise<Rows>;
  encodeDocument(texts: readonly string[], options: BatchOptions): Promise<Rows>;
}

/** Gathers texts for a sparse encoder, under a name for metrics. */
export function sparseBatcher(
  encoder: SparseEncoder,
  name: string,
  limits: ServerLimits,
  metrics: ServerMetrics,
): TextBatcher<SparseVector> {
  const encode = (key: string, texts: readonly string[]) =>
    encodeKind<SparseMatrix>(encoder, kindOfKey(key), texts, limits.batchTexts);
  return new TextBatcher(encode, limits, metrics.eventsOf(name));
}

/** Gathers texts for a dense encoder. */
export function denseBatcher(
  dense: DenseEncoder,
  limits: ServerLimits,
  metrics: ServerMetrics,
): TextBatcher<Float32Array> {
  const encode = (key: string, texts: readonly string[]) =>
    encodeKind<DenseMatrix>(dense, kindOfKey(key), texts, limits.batchTexts);
  return new TextBatcher(encode, limits, metrics.eventsOf("dense"));
}

/** Encodes texts of one kind. */
function encodeKind<Rows>(
  encoder: KindEncoder<Rows>,
  { task, ...options }: EncodeKind,
  texts: readonly string[],
  batchSize: number,
): Promise<Rows> {
  const call = { ...options, batchSize };
  if (task === "query") return encoder.encodeQuery(texts, call);
  return task === "document" ? encoder.encodeDocument(texts, call) : encoder.encode(texts, call);
}
