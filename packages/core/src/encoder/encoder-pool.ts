import { CallsUnderWay } from "../calls/index.ts";
import { invalidArgument, SparseEncoderError } from "../errors.ts";
import { sumLoads, type WorkerLoad, type WorkerPool } from "../runtime/index.ts";

/**
 * Workers on several devices that serve the calls they are given to, any number at once and in turn. Made by `startPool`
 * of an encoder or a reranker, of whose model each worker holds a session.
 *
 * @example
 * await using pool = await encoder.startPool(["cpu", "cpu"]);
 * await encoder.encode(texts, { pool });
 */
export class EncoderPool implements AsyncDisposable {
  /** The device of each worker. */
  readonly devices: readonly string[];
  /** The workers of each embedder of the model. */
  private readonly workers: ReadonlyMap<object, readonly WorkerPool[]>;
  private readonly calls = new CallsUnderWay();
  private stopped = false;
  private readonly onStop: () => void;

  /** @internal */
  constructor(
    devices: readonly string[],
    workers: ReadonlyMap<object, readonly WorkerPool[]>,
    onStop: () => void,
  ) {
    this.devices = devices;
    this.workers = workers;
    this.onStop = onStop;
  }

  /** How busy the workers are now. A snapshot: read it again for a later moment. */
  get workerLoad(): WorkerLoad {
    return sumLoads([...this.workers.values()].flat());
  }

  /**
   * Lets calls under way finish, then ends the workers. A stream under way ends with a `CLOSED` error. Calling it again does
   * nothing more.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    // A call hands in its batches one after another, so none may be refused until all calls are done.
    await this.calls.settled();
    await this.endWorkers((pool) => pool.close());
  }

  /** The same as {@link EncoderPool.stop}, by the name that encoders and stores give it. */
  close(): Promise<void> {
    return this.stop();
  }

  /** Ends the workers as soon as the batches that run are done; calls under way reject with `CLOSED`. */
  async destroy(): Promise<void> {
    this.stopped = true;
    await this.endWorkers((pool) => pool.destroy());
  }

  /** Closes the pool: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** @internal The workers of one embedder. */
  workersOf(embedder: object): readonly WorkerPool[] | undefined {
    return this.workers.get(embedder);
  }

  /** @internal Refuses a pool that was stopped, or that holds another model than these embedders. */
  check(embedders: readonly object[]): void {
    if (this.stopped) {
      throw new SparseEncoderError("CLOSED", "The pool was stopped; start another one with startPool.");
    }
    if ([...this.workers.keys()].some((embedder) => !embedders.includes(embedder))) {
      throw invalidArgument("The pool was started by another encoder or reranker; use a pool of this one.");
    }
  }

  /** @internal Makes `stop` wait for a call. */
  track<Result>(call: Promise<Result>): Promise<Result> {
    return this.calls.track(call);
  }

  private async endWorkers(end: (pool: WorkerPool) => Promise<void>): Promise<void> {
    await Promise.all([...this.workers.values()].flat().map(end));
    this.onStop();
  }
}
