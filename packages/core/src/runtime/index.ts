export { defaultBatchTokens, planBatches } from "./batch-plan.ts";
export type { EncodeBatch, EncodedRows } from "./messages.ts";
export { WorkerPool, type WorkerPoolOptions } from "./worker-pool.ts";
