import type { CrossEncoder, DenseEncoder, SparseEncoder, SparseVector } from "@sparse-encoder/core";
import type { Collection } from "../collection/collection.ts";
import type { ServerLimits } from "./guards/server-limits.ts";
import type { JudgementSet } from "./judgement-set.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import type { TextBatcher } from "./text-batcher.ts";

/** What the routes of a server work with. */
export interface ServerContext {
  readonly encoder: SparseEncoder;
  readonly dense: DenseEncoder | undefined;
  /** Undefined for a server without a reranker. */
  readonly reranker: CrossEncoder | undefined;
  /** Undefined for a server without an index. */
  readonly collection: Collection | undefined;
  /** Undefined for a server without judgements. */
  readonly judgements: JudgementSet | undefined;
  /** Names of the models, as they were given. */
  readonly model: string;
  readonly denseModel: string | undefined;
  readonly rerankerModel: string | undefined;
  readonly sparseTexts: TextBatcher<SparseVector>;
  readonly denseTexts: TextBatcher<Float32Array> | undefined;
  readonly limits: ServerLimits;
  readonly metrics: ServerMetrics;
  readonly version: string;
  /** False while the server ends. */
  readonly isReady: () => boolean;
}
