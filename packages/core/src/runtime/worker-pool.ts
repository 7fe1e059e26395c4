import type { Piscina } from "piscina";
import { SparseEncoderError } from "../errors.ts";
import { importNative, packageFile, runtimeFailure } from "../install/index.ts";
import { coreShare } from "./cpu-share.ts";
import { setCudaProducts } from "./cuda-products.ts";
import { cpu, type Device } from "./device.ts";
import type {
  EncodeBatch,
  EncodedRows,
  ScreenedModel,
  WideModel,
  WorkerSetup,
  WorkerTask,
} from "./messages.ts";
import { RunGate } from "./run-gate.ts";
import { turnTelemetryOff } from "./telemetry.ts";

/** A batch takes a second or two at most; a process must be able to end even if a count was lost. */
const exitPatience = 60_000;

/** Each has a session and buffers of its own; beyond, more threads an operator are the better use of cores. */
const mostWorkers = 8;

/** Runs in flight on one card: more than three gave no more texts a second. */
const cudaWorkers = 3;

/** What the workers of a pool open: the ONNX model, the folder of its weights, and what it gives. */
export interface PooledModel {
  readonly bytes: Uint8Array;
  /** The same, tuned for a few tokens that run alone. */
  readonly shortBytes: Uint8Array | undefined;
  /** The same, for texts that activate a small part of the vocabulary. */
  readonly screened?: ScreenedModel | undefined;
  /** The same, for wide devices. */
  readonly wide?: WideModel | undefined;
  /** True if CUDA may multiply float32 numbers as TF32. Default false. */
  readonly allowsTf32?: boolean | undefined;
  readonly exportFile: string | undefined;
  readonly inputs: readonly string[];
  readonly weightsFolder: string;
  readonly prepack: boolean;
  readonly sparse: boolean;
  readonly givesDims: boolean;
}

export interface WorkerPoolOptions {
  /** Where the workers run the model. Default: the CPU. */
  readonly device?: Device | undefined;
  /**
   * Most worker threads; the first starts at once, the others when there is work for them. Default: on the CPU as many as
   * this process may use cores, at most 8; on CUDA 3; on another device 1.
   */
  readonly workers?: number | undefined;
  /**
   * Threads that one operator may use in a worker. Default: the cores of this process over the workers, at least 1; and
   * all of them for a batch that runs alone.
   */
  readonly threads?: number | undefined;
  /** True: all workers start at once. Default false. */
  readonly eager?: boolean | undefined;
  /** True: workers run the graph for wide devices, whatever the device. Default: on CUDA. */
  readonly wide?: boolean | undefined;
  /** The worker's entry file, for tests of failing workers. */
  readonly file?: string | undefined;
}

/**
 * Worker threads that hold one model each and embed batches.
 *
 * A batch whose worker ends or throws is given to another worker once; then the call fails. The pool replaces
 * workers that ended. It does not keep the process alive while it is idle, and it lets the process end cleanly
 * while it is busy (see {@link RunGate}).
 */
export class WorkerPool {
  /** Where the workers run the model. */
  readonly device: Device;
  /** Most worker threads. */
  readonly workers: number;
  /** Threads that one operator may use in a worker. */
  readonly threads: number;
  private readonly gate: RunGate;
  private readonly piscina: Piscina;
  private readonly pending = new Set<Promise<unknown>>();
  private broken: Error | undefined;
  /** Tasks handed to the workers and not yet answered. */
  private tasks = 0;
  private closing: Promise<void> | undefined;
  /** Settles when all workers have ended, after which none is started again. */
  private ended: Promise<void> | undefined;

  private constructor(Pool: typeof Piscina, model: PooledModel, options: WorkerPoolOptions) {
    const cores = coreShare();
    this.device = options.device ?? cpu;
    this.workers = options.workers ?? defaultWorkers(this.device, cores);
    this.threads = options.threads ?? Math.max(1, Math.floor(cores / this.workers));
    this.gate = new RunGate(this.workers);
    const setup: WorkerSetup = {
      model: model.bytes,
      shortModel: model.shortBytes,
      // Elsewhere integer products are not known to be faster.
      screened: this.device.kind === "cpu" ? model.screened : undefined,
      wide: (options.wide ?? this.device.kind === "cuda") ? model.wide : undefined,
      exportFile: model.exportFile,
      inputs: model.inputs,
      weightsFolder: model.weightsFolder,
      prepack: model.prepack,
      sparse: model.sparse,
      givesDims: model.givesDims,
      device: this.device,
      threads: this.threads,
      aloneThreads: options.threads ?? (this.device.kind === "cpu" ? cores : this.threads),
      opensAlone: options.eager !== true,
      gate: this.gate.buffer,
    };
    turnTelemetryOff();
    this.piscina = new Pool({
      filename: options.file ?? packageFile("worker"),
      name: "runTask",
      workerData: setup,
      minThreads: options.eager === true ? this.workers : 1,
      maxThreads: this.workers,
      // A worker that holds a model is not ended for want of work.
      idleTimeout: Number.POSITIVE_INFINITY,
      // The wait with Atomics would block the worker's own event loop, which the native binding needs.
      atomics: "disabled",
      recordTiming: false,
      // Without it, a waiting batch goes to the end of the queue each time that another one is taken, and may wait
      // there for as long as there is load.
      stricterFIFO: true,
    });
    // A worker that failed is replaced, unless its replacement fails while it starts: then nobody serves the queue.
    this.piscina.on("error", (error: Error) => this.breakIfEmpty(error));
    // A worker that ended itself while it started is announced here alone, before its replacement is there, if any.
    this.piscina.on("workerDestroy", () => {
      queueMicrotask(() => {
        // What ended in the middle of a run must not be waited for at the end of the process.
        this.gate.keepOnly(this.piscina.threads.map((thread) => thread.threadId));
        this.breakIfEmpty(new Error("the last worker ended while it started"));
      });
    });
    holdExit(this.gate);
  }

  /** True if no batch runs or waits. */
  get idle(): boolean {
    return this.tasks === 0;
  }

  /** Starts workers and resolves when they have opened the model. */
  static async start(model: PooledModel, options: WorkerPoolOptions = {}): Promise<WorkerPool> {
    const { Piscina: Pool } = await importNative(
      "piscina",
      () => import(/* webpackIgnore: true */ /* @vite-ignore */ "piscina"),
    );
    const takeBack =
      options.device?.kind === "cuda"
        ? setCudaProducts(model.allowsTf32 === true ? "tf32" : "fp32")
        : undefined;
    const pool = new WorkerPool(Pool, model, options);
    try {
      const count = options.eager === true ? pool.workers : 1;
      await Promise.all(Array.from({ length: count }, () => pool.send("open", [])));
      return pool;
    } catch (cause) {
      await pool.destroy();
      takeBack?.();
      throw (
        runtimeFailure(cause) ?? failure(`A worker could not open the model on ${pool.device.name}`, cause)
      );
    }
  }

  /**
   * Embeds one batch. `pack` makes the batch, once more if a second worker has to take over, since its buffers
   * move to the worker.
   *
   * @throws SparseEncoderError `WORKER_FAILED` or `CLOSED`
   */
  async run(pack: () => EncodeBatch): Promise<EncodedRows> {
    if (this.closing !== undefined) throw closed();
    return this.track(this.attemptTwice(pack));
  }

  /** Lets queued batches finish, then ends the workers. Later calls of `run` are refused. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  /** Drops queued batches, waits for those in flight, then ends the workers. */
  destroy(): Promise<void> {
    this.gate.close();
    return this.close();
  }

  private async end(): Promise<void> {
    while (this.pending.size > 0) await Promise.allSettled(this.pending);
    this.gate.close();
    try {
      await this.endWorkers();
    } finally {
      releaseExit(this.gate);
    }
  }

  /**
   * Ends all workers, once. A second `piscina.destroy()` would make the pool take the first one's exits for deaths, and
   * so would an exit that comes after the first one: a replacement would start, which nobody ends.
   */
  private endWorkers(): Promise<void> {
    this.piscina.options.minThreads = 0;
    this.ended ??= this.piscina.destroy();
    return this.ended;
  }

  private async attemptTwice(pack: () => EncodeBatch): Promise<EncodedRows> {
    try {
      return await this.attempt(pack);
    } catch (error) {
      if (SparseEncoderError.is(error)) throw error;
    }
    try {
      return await this.attempt(pack);
    } catch (error) {
      throw SparseEncoderError.is(error) ? error : failure("A batch failed in two workers", error);
    }
  }

  private async attempt(pack: () => EncodeBatch): Promise<EncodedRows> {
    const batch = pack();
    const rows = await this.send<EncodedRows>(batch, [batch.ids.buffer, batch.lengths.buffer]);
    if (rows === null) throw closed();
    return rows;
  }

  private send<Result>(task: WorkerTask, transferList: ArrayBufferLike[]): Promise<Result | null> {
    if (this.broken !== undefined) return Promise.reject(failure("No worker could be started", this.broken));
    this.tasks++;
    const answer: Promise<Result | null> = this.piscina.run(task, {
      transferList: transferList as ArrayBuffer[],
    });
    return this.track(
      answer.finally(() => {
        this.tasks--;
      }),
    );
  }

  /** Without workers nothing will serve the queue: what waits there fails now, and so does all that comes. */
  private breakIfEmpty(error: Error): void {
    if (this.ended !== undefined || this.piscina.threads.length > 0) return;
    this.broken = error;
    // Whoever closes the pool waits for it, and hears of its failure.
    this.endWorkers().catch(() => {});
  }

  private track<Result>(work: Promise<Result>): Promise<Result> {
    this.pending.add(work);
    const settle = () => void this.pending.delete(work);
    work.then(settle, settle);
    return work;
  }
}

/**
 * Workers of a device by default. A graphics processor has several, so that tokens are packed and rows read for some while it
 * computes for another.
 */
function defaultWorkers({ kind }: Device, cores: number): number {
  if (kind === "cpu") return Math.min(cores, mostWorkers);
  return kind === "cuda" ? cudaWorkers : 1;
}

function failure(what: string, cause: unknown): SparseEncoderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SparseEncoderError("WORKER_FAILED", `${what}: ${reason}`, { cause });
}

function closed(): SparseEncoderError {
  return new SparseEncoderError(
    "CLOSED",
    "The encoder, or the pool of the call, was closed; load or start it again to go on.",
  );
}

/** The gates of live pools. */
const openGates = new Set<RunGate>();

/**
 * Makes the end of the process wait for runs in flight. The exit event comes before threads are ended, also after
 * `process.exit()` and an uncaught exception.
 */
function holdExit(gate: RunGate): void {
  if (openGates.size === 0) process.on("exit", waitForRuns);
  openGates.add(gate);
}

function releaseExit(gate: RunGate): void {
  openGates.delete(gate);
  if (openGates.size === 0) process.off("exit", waitForRuns);
}

function waitForRuns(): void {
  for (const gate of openGates) gate.close();
  for (const gate of openGates) gate.waitUntilEmpty(exitPatience);
}
