import type { WorkerPool } from "./worker-pool.ts";

/** How busy workers are at one moment, for metrics and for servers that turn requests away. */
export interface WorkerLoad {
  /** Most batches that run at once. */
  readonly workers: number;
  /** Workers that run a batch. */
  readonly busyWorkers: number;
  /** Batches that wait for a worker. */
  readonly queuedBatches: number;
}

/** The load of all these pools together. */
export function sumLoads(pools: readonly WorkerPool[]): WorkerLoad {
  const sum = (count: (pool: WorkerPool) => number) => pools.reduce((total, pool) => total + count(pool), 0);
  return {
    workers: sum(({ workers }) => workers),
    busyWorkers: sum(({ runningBatches }) => runningBatches),
    queuedBatches: sum(({ waitingBatches }) => waitingBatches),
  };
}
