import type { DenseEncoder, SparseEncoder, SparseVector } from "@sparse-encoder/core";
import { kindOfKey } from "./encode-kind.ts";
import type { ServerLimits } from "./guards/server-limits.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import { TextBatcher } from "./text-batcher.ts";

/** Gathers texts for a sparse encoder, under a name for metrics. */
export function sparseBatcher(
  encoder: SparseEncoder,
  name: string,
  limits: ServerLimits,
  metrics: ServerMetrics,
): TextBatcher<SparseVector> {
  const { batchTexts: batchSize } = limits;
  return new TextBatcher(
    (key, texts) => {
      const { task, prompt, maxActiveDims } = kindOfKey(key);
      const options = {
        batchSize,
        ...(prompt !== undefined && { promptName: prompt }),
        ...(maxActiveDims !== undefined && { maxActiveDims }),
      };
      if (task === "query") return encoder.encodeQuery(texts, options);
      return task === "document" ? encoder.encodeDocument(texts, options) : encoder.encode(texts, options);
    },
    limits,
    metrics.eventsOf(name),
  );
}

/** Gathers texts for a dense encoder. */
export function denseBatcher(
  dense: DenseEncoder,
  limits: ServerLimits,
  metrics: ServerMetrics,
): TextBatcher<Float32Array> {
  const { batchTexts: batchSize } = limits;
  return new TextBatcher(
    (key, texts) => {
      const { task, prompt, normalize = false } = kindOfKey(key);
      const options = { batchSize, normalize, ...(prompt !== undefined && { promptName: prompt }) };
      if (task === "query") return dense.encodeQuery(texts, options);
      return task === "document" ? dense.encodeDocument(texts, options) : dense.encode(texts, options);
    },
    limits,
    metrics.eventsOf("dense"),
  );
}
