import type { BatchLimits } from "../text-batcher.ts";

/** What a server takes at most. */
export interface ServerLimits extends BatchLimits {
  /** Bytes of a body. */
  readonly bodyBytes: number;
  /** Texts of a request. */
  readonly requestTexts: number;
  /** Requests under way. */
  readonly requests: number;
  /** Milliseconds of a request, from its first byte to its answer. */
  readonly timeout: number;
  /** Milliseconds that requests under way have when the server ends. */
  readonly grace: number;
}

export const defaultLimits: ServerLimits = {
  bodyBytes: 2 * 1024 * 1024,
  requestTexts: 256,
  requests: 512,
  timeout: 30_000,
  grace: 30_000,
  batchTexts: 64,
  batchWait: 2,
  parallelBatches: 4,
  queuedTexts: 4096,
};
