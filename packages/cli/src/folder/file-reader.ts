import { Worker } from "node:worker_threads";
import type { NewDocument } from "@sparse-encoder/core";

/** What a worker is asked. */
export interface FileQuestion {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What it answers. */
export type FileReply = { readonly documents: NewDocument[] } | { readonly problem: string };

/** Seconds that reading a file may take. */
const mostSeconds = 60;

/** Megabytes that reading a file may take: some kilobytes can unpack to gigabytes. */
const mostMegabytes = 1024;

/** Milliseconds between two looks at the memory. */
const memoryCheck = 100;

/** A worker that has nothing to do. */
let idle: Worker | undefined;

/**
 * The passages of a file, read in a thread of its own, so that a file that takes for ever or unpacks to gigabytes stops nothing
 * else.
 *
 * @param name of the file in the index
 * @throws Error that says why it cannot be read; the reason of the signal
 */
export async function readDocuments(
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<NewDocument[]> {
  signal.throwIfAborted();
  const worker = idle ?? startWorker();
  idle = undefined;
  worker.ref();
  try {
    const reply = await ask(worker, { name, bytes }, signal);
    worker.unref();
    if (idle === undefined) idle = worker;
    else void worker.terminate();
    if ("documents" in reply) return reply.documents;
    throw new Error(reply.problem);
  } catch (error) {
    if (idle !== worker) void worker.terminate();
    throw error;
  }
}

function startWorker(): Worker {
  const worker = new Worker(new URL("./file-worker.js", import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: mostMegabytes },
    // Readers of PDF write warnings.
    stdout: true,
    stderr: true,
  });
  worker.on("error", () => {
    if (idle === worker) idle = undefined;
  });
  return worker;
}

async function ask(worker: Worker, question: FileQuestion, signal: AbortSignal): Promise<FileReply> {
  const before = process.memoryUsage.rss();
  const { promise, resolve, reject } = settleable<FileReply>();
  const tooMuch = () => reject(new Error(`reading it takes more than ${mostMegabytes} MB of memory`));
  const onAbort = () => reject(signal.reason);
  const onError = (error: Error & { code?: string }) =>
    error.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooMuch() : reject(error);
  const onLate = () => reject(new Error(`reading it takes longer than ${mostSeconds} s`));
  const late = setTimeout(onLate, mostSeconds * 1000);
  const memory = setInterval(() => {
    if (process.memoryUsage.rss() - before > mostMegabytes * 2 ** 20) tooMuch();
  }, memoryCheck);
  signal.addEventListener("abort", onAbort, { once: true });
  worker.once("message", resolve).once("error", onError);
  try {
    worker.postMessage(question);
    return await promise;
  } finally {
    clearTimeout(late);
    clearInterval(memory);
    signal.removeEventListener("abort", onAbort);
    worker.off("message", resolve).off("error", onError);
  }
}

function settleable<Value>() {
  let resolve!: (value: Value) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<Value>((settle, fail) => {
    [resolve, reject] = [settle, fail];
  });
  return { promise, resolve, reject };
}
