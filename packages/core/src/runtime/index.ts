export { type BatchLimits, planBatches, textsOfBatch } from "./batch-plan.ts";
export { coreShare } from "./cpu-share.ts";
export {
  automaticDevices,
  batchLimits,
  batchWidth,
  cudaInstalled,
  type Device,
  leastWorkers,
  parseDevice,
  possibleDevices,
} from "./device/device.ts";
export { deviceAdvice } from "./device/device-advice.ts";
export { findCudaLibraries, type Probe, probeDevices } from "./device-probe.ts";
export { type DeviceTrial, trialMachine, tryDevice } from "./device-trial.ts";
export type { DenseRows, EncodeBatch, EncodedRows, HybridRows, SparseRows } from "./messages.ts";
export type { PooledModel, ScreenedModel, ScreenTables, TablePart, WideModel } from "./pooled-model.ts";
export { sumLoads, type WorkerLoad } from "./worker-load.ts";
export { WorkerPool, type WorkerPoolOptions } from "./worker-pool.ts";
