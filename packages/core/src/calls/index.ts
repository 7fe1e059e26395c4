export { aborted, onAbort, pause, raceSignal, throwIfAborted, unlessAborted } from "./abort.ts";
export { CallsUnderWay } from "./calls-under-way.ts";
export { Deadline } from "./deadline.ts";
export { OrderedCalls } from "./ordered-calls.ts";
export { forEachInParallel, mapInParallel } from "./parallel.ts";
export { maximumAskedWait, type RetryRule, withRetries } from "./retry.ts";
export { WorkQueue } from "./work-queue.ts";
