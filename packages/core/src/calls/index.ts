export { aborted, onAbort, pause, raceSignal, throwIfAborted, unlessAborted } from "./abort.ts";
export { CallsUnderWay } from "./calls-under-way.ts";
export { Deadline } from "./deadline.ts";
export { mapInParallel } from "./parallel.ts";
export { type RetryRule, withRetries } from "./retry.ts";
export { WorkQueue } from "./work-queue.ts";
