export { defaultBatchTokens, planBatches } from "./batch-plan.ts";
export type { DenseRows, EncodeBatch, EncodedRows, SparseRows } from "./messages.ts";
export { WorkerPool, type WorkerPoolOptions } from "./worker-pool.ts";
