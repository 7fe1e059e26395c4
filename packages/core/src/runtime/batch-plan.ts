/** Limits of one batch. */
export interface BatchLimits {
  /** Most texts in a batch. */
  readonly batchSize: number;
  /** Most tokens in a batch, padding included; a single longer text is a batch of its own. */
  readonly tokens: number;
}

/**
 * Groups texts into batches by their token counts: longest first, neighbours of similar length together, so that
 * little is padded. Returns for each batch the positions of its texts. Equal lengths keep their order.
 */
export function planBatches(tokenCounts: readonly number[], limits: BatchLimits): number[][] {
  const order = tokenCounts
    .map((_, position) => position)
    .sort((a, b) => tokenCounts[b]! - tokenCounts[a]! || a - b);
  const batches: number[][] = [];
  for (let start = 0; start < order.length; ) {
    const size = textsOfBatch(tokenCounts[order[start]!]!, limits);
    batches.push(order.slice(start, start + size));
    start += size;
  }
  return batches;
}

/** Most texts of a batch whose longest text has `tokens` tokens. */
export function textsOfBatch(tokens: number, limits: BatchLimits): number {
  return Math.min(limits.batchSize, Math.max(1, Math.floor(limits.tokens / Math.max(1, tokens))));
}
