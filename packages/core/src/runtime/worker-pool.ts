import { setTimeout } from "node:timers/promises";
import type { Piscina } from "piscina";
import { CallsUnderWay, WorkQueue } from "../calls/index.ts";
import { messageOf, SparseEncoderError } from "../errors.ts";
import { importNative, packageFile, runtimeFailure } from "../install/index.ts";
import { coreShare } from "./cpu-share.ts";
import { setCudaProducts } from "./device/cuda-products.ts";
import { cpu, type Device, leastWorkers } from "./device/device.ts";
import { holdExit, releaseExit } from "./exit-hold.ts";
import type { Crowded, EncodeBatch, EncodedRows, WorkerAnswer, WorkerSetup, WorkerTask } from "./messages.ts";
import type { PooledModel } from "./pooled-model.ts";
import { RunGate } from "./run-gate.ts";
import { turnTelemetryOff } from "./telemetry.ts";

/** Each worker has a session and buffers of its own; beyond, more threads per operator are the better use of cores. */
const mostWorkers = 8;

/** Milliseconds before a batch that came to a worker without room tries again: that worker is about to end. */
const crowdedPause = 50;

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
  private readonly model: PooledModel;
  private readonly gate: RunGate;
  /** Batches wait here and not in piscina, which gets no more than its workers run: so the wait can end. */
  private readonly queue: WorkQueue;
  private readonly piscina: Piscina;
  /** What was asked of the workers and has no answer yet. */
  private readonly tasks = new CallsUnderWay();
  /** Threads for which the device had no room. */
  private readonly crowded = new Set<number>();
  private broken: Error | undefined;
  private closing: Promise<void> | undefined;
  /** Settles when all workers have ended, after which none is started again. */
  private ended: Promise<void> | undefined;

  private constructor(Pool: typeof Piscina, model: PooledModel, options: WorkerPoolOptions) {
    const cores = coreShare();
    this.model = model;
    this.device = options.device ?? cpu;
    this.workers = options.workers ?? defaultWorkers(this.device, cores);
    this.threads = options.threads ?? Math.max(1, Math.floor(cores / this.workers));
    this.gate = new RunGate(this.workers);
    this.queue = new WorkQueue(this.workers);
    const onCpu = this.device.kind === "cpu";
    const setup: WorkerSetup = {
      model: {
        ...model,
        // Elsewhere integer products are not known to be faster, and a long text may share its batch.
        screened: onCpu ? model.screened : undefined,
        long: onCpu ? model.long : undefined,
        wide: (options.wide ?? this.device.kind === "cuda") ? model.wide : undefined,
      },
      device: this.device,
      threads: this.threads,
      aloneThreads: options.threads ?? (onCpu ? cores : this.threads),
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
      // Without it, a batch that waits for a worker to start goes to the end of the queue each time that another one is taken.
      stricterFIFO: true,
    });
    // A worker that failed is replaced, unless its replacement fails while it starts: then nobody serves the queue.
    this.piscina.on("error", (error: Error) => this.breakIfEmpty(error));
    // Of a worker that ended itself while it started, this is the only announcement; its replacement comes later, if at all.
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
    return this.queue.running === 0 && this.queue.waiting === 0;
  }

  /** Batches that run, each in a worker of its own. */
  get runningBatches(): number {
    return this.queue.running;
  }

  /** Batches that wait for a worker; batches of calls that have ended do not count. */
  get waitingBatches(): number {
    return this.queue.waiting;
  }

  /**
   * Starts workers and resolves when they have opened the model.
   * @throws SparseEncoderError `WORKER_FAILED`, `MODEL_INVALID`, `DEVICE_UNAVAILABLE`
   */
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
      await pool.openWorkers(options.eager === true ? pool.workers : 1);
      return pool;
    } catch (cause) {
      await pool.destroy();
      takeBack?.();
      if (SparseEncoderError.is(cause, "MODEL_INVALID")) throw cause;
      throw (
        runtimeFailure(cause) ?? failure(`A worker could not open the model on ${pool.device.name}`, cause)
      );
    }
  }

  /**
   * Embeds one batch when its turn comes. `pack` makes the batch then, and once more if a second worker has to take over,
   * since its buffers move to the worker.
   *
   * @param isWanted asked when the turn comes; a batch that nobody wants any more costs nothing
   * @throws SparseEncoderError `WORKER_FAILED`, `MODEL_INVALID`, `CLOSED`; `ABORTED` if the batch was not wanted any more
   */
  run(pack: () => EncodeBatch, isWanted?: () => boolean): Promise<EncodedRows> {
    if (this.closing !== undefined) return Promise.reject(closed());
    return this.tasks.track(this.runWithRoom(pack, isWanted));
  }

  /** Lets queued batches finish, then ends the workers. Later calls of `run` are refused. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  /** Drops queued batches, waits for those in flight, then ends the workers. */
  destroy(): Promise<void> {
    this.gate.close();
    this.queue.dropAll(closed());
    return this.close();
  }

  private async end(): Promise<void> {
    await this.tasks.settled();
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

  /** Opens the model in this number of workers, or in as many as the device has room for, but in at least one. */
  private async openWorkers(count: number): Promise<void> {
    const opening = Array.from({ length: count }, () => this.tasks.track(this.send("open", [])));
    const answers = await Promise.all(opening);
    const crowded = answers.filter((answer) => typeof answer !== "string" && "crowded" in answer);
    if (crowded.length === count) throw new Error(crowded[0]!.crowded);
    for (const answer of crowded) this.useFewerWorkers(answer);
  }

  /** The device has no room for a worker that was just started: the others do its work. */
  private useFewerWorkers({ thread }: Crowded): void {
    // It may get another task before it ends.
    if (this.crowded.has(thread)) return;
    this.crowded.add(thread);
    this.queue.lowerLimit();
    const { options } = this.piscina;
    options.minThreads = Math.min(options.minThreads, this.queue.mostRunning);
    options.maxThreads = this.queue.mostRunning;
  }

  /** Runs a batch when its turn comes, and in a further turn if it came to a worker for which the device has no room. */
  private async runWithRoom(pack: () => EncodeBatch, isWanted?: () => boolean): Promise<EncodedRows> {
    for (;;) {
      const rows = await this.queue.add(() => this.runTwice(pack), isWanted);
      if (!("crowded" in rows)) return rows;
      if (this.queue.mostRunning === 1 && !this.crowded.has(rows.thread)) {
        throw failure("No worker has room on the device", new Error(rows.crowded));
      }
      this.useFewerWorkers(rows);
      await setTimeout(crowdedPause);
    }
  }

  /** Runs a batch, and once more in another worker if the first one ends or throws. */
  private async runTwice(pack: () => EncodeBatch): Promise<EncodedRows | Crowded> {
    const runOnce = async () => {
      const batch = pack();
      return rowsOf(await this.send(batch, [batch.ids.buffer, batch.lengths.buffer]));
    };
    try {
      return await runOnce();
    } catch (error) {
      if (SparseEncoderError.is(error)) throw error;
    }
    try {
      return await runOnce();
    } catch (error) {
      throw SparseEncoderError.is(error) ? error : failure("A batch failed in two workers", error);
    }
  }

  /** @throws SparseEncoderError `MODEL_INVALID` if the worker says that the model is at fault */
  private async send(task: WorkerTask, transferList: ArrayBufferLike[]): Promise<WorkerAnswer> {
    if (this.broken !== undefined) throw failure("No worker could be started", this.broken);
    const answer: WorkerAnswer = await this.piscina.run(task, {
      transferList: transferList as ArrayBuffer[],
    });
    if (typeof answer !== "string" && "fault" in answer) {
      const model = this.model.exportFile ?? `The model in ${this.model.weightsFolder}`;
      throw new SparseEncoderError("MODEL_INVALID", `${model} ${answer.fault}.`);
    }
    return answer;
  }

  /** Without workers nothing will serve the queue: what waits there fails now, and so does all that comes. */
  private breakIfEmpty(error: Error): void {
    if (this.ended !== undefined || this.piscina.threads.length > 0) return;
    this.broken = error;
    // Whoever closes the pool waits for it, and hears of its failure.
    this.endWorkers().catch(() => {});
  }
}

/** @throws SparseEncoderError `CLOSED` if the worker stops */
function rowsOf(answer: WorkerAnswer): EncodedRows | Crowded {
  if (typeof answer === "string" || "fault" in answer) throw closed();
  return answer;
}

function defaultWorkers(device: Device, cores: number): number {
  return device.kind === "cpu" ? Math.min(cores, mostWorkers) : leastWorkers(device);
}

function failure(what: string, cause: unknown): SparseEncoderError {
  return new SparseEncoderError("WORKER_FAILED", `${what}: ${messageOf(cause)}`, { cause });
}

function closed(): SparseEncoderError {
  return new SparseEncoderError(
    "CLOSED",
    "The encoder, or the pool of the call, was closed; load or start it again to go on.",
  );
}
