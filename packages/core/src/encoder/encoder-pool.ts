import { invalidArgument, SparseEncoderError } from "../errors.ts";
import type { WorkerPool } from "../runtime/index.ts";
import type { Embedder } from "./embedder.ts";

/**
 * Workers on several devices that serve the calls they are given to, any number at once and in turn. Made by `startPool`
 * of an encoder, of whose model each worker holds a session.
 *
 * @example
 * await using pool = await encoder.startPool(["cpu", "cpu"]);
 * await encoder.encode(texts, { pool });
 */
export class EncoderPool implements AsyncDisposable {
  /** The device of each worker. */
  readonly devices: readonly string[];
  private readonly pools: ReadonlyMap<unknown, readonly WorkerPool[]>;
  private readonly calls = new Set<Promise<unknown>>();
  private stopped = false;
  private readonly onStop: () => void;

  /** @internal */
  constructor(
    devices: readonly string[],
    pools: ReadonlyMap<unknown, readonly WorkerPool[]>,
    onStop: () => void,
  ) {
    this.devices = devices;
    this.pools = pools;
    this.onStop = onStop;
  }

  /**
   * Lets calls under way finish, then ends the workers. A stream under way ends with a `CLOSED` error. Calling it again does
   * nothing more.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    // A call hands in its batches one after another, so none may be refused until all calls are done.
    await Promise.allSettled(this.calls);
    await this.endWorkers((pool) => pool.close());
  }

  /** Ends the workers as soon as the batches that run are done; calls under way reject with `CLOSED`. */
  async destroy(): Promise<void> {
    this.stopped = true;
    await this.endWorkers((pool) => pool.destroy());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** @internal The workers of one embedder. */
  workersOf(embedder: Embedder<unknown>): readonly WorkerPool[] | undefined {
    return this.pools.get(embedder);
  }

  /** @internal Refuses a pool that was stopped, or that holds another model than these embedders. */
  check(embedders: readonly Embedder<unknown>[]): void {
    if (this.stopped) {
      throw new SparseEncoderError("CLOSED", "The pool was stopped; start another one with startPool.");
    }
    if ([...this.pools.keys()].some((known) => !embedders.includes(known as Embedder<unknown>))) {
      throw invalidArgument("The pool was started by another encoder; use the pool of this one.");
    }
  }

  /** @internal Makes `stop` wait for a call. */
  track(call: Promise<unknown>): void {
    this.calls.add(call);
    const settle = () => void this.calls.delete(call);
    call.then(settle, settle);
  }

  private async endWorkers(end: (pool: WorkerPool) => Promise<void>): Promise<void> {
    await Promise.all([...this.pools.values()].flat().map(end));
    this.onStop();
  }
}
