import { forEachInParallel, pause, WorkQueue } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import type { EngineClient } from "./engine-client.ts";
import { type RequestSize, toRequests } from "./engine-requests.ts";

/** What is written by one call. */
export interface EngineWrite<Client, Item> {
  /** Made one by one, as requests need them. */
  readonly items: Iterable<Item>;
  /** How many items there are. */
  readonly total: number;
  /** What one request may hold. */
  readonly size: RequestSize;
  /** What has become of an item that was done, for messages: `stored`. */
  readonly outcome: string;
  /**
   * Sends items; called again after a failure that may pass.
   * @param done told how many items the server took
   */
  readonly send: (client: Client, items: readonly Item[], done: (count: number) => void) => Promise<void>;
}

/**
 * The requests of one store that write: a number of them at once, over all of its calls. Each is tried again by the rules of
 * the store and keeps its place meanwhile; while a server asks to wait, none is sent.
 */
export class EngineWrites<Client> {
  private readonly engine: EngineClient<Client>;
  private readonly places: WorkQueue;
  /** No request before this moment, in milliseconds. */
  private notBefore = 0;

  /** @param atOnce requests under way at most */
  constructor(engine: EngineClient<Client>, atOnce: number) {
    this.engine = engine;
    this.places = new WorkQueue(atOnce);
  }

  /**
   * Resolves when all is written. After a failure no further request is begun, and those under way are awaited.
   * @throws SparseEncoderError `STORE_FAILED`, which says how many items were done; `ABORTED`
   */
  async run<Item>(
    { items, total, size, outcome, send }: EngineWrite<Client, Item>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let done = 0;
    const count = (more: number) => {
      done += more;
    };
    try {
      await forEachInParallel(
        toRequests(items, size),
        this.places,
        (part, _, stop) =>
          this.engine.attempt(stop, (client) => this.inTime(stop, () => send(client, part, count))),
        signal,
      );
    } catch (error) {
      if (!SparseEncoderError.is(error, "STORE_FAILED")) throw error;
      const message = `${error.message} ${done} of ${total} documents were ${outcome}.`;
      throw new SparseEncoderError("STORE_FAILED", message, { cause: error.cause });
    }
  }

  private async inTime(signal: AbortSignal, request: () => Promise<void>): Promise<void> {
    const wait = this.notBefore - performance.now();
    if (wait > 0) await pause(wait, signal);
    try {
      await request();
    } catch (error) {
      this.notBefore = Math.max(this.notBefore, performance.now() + this.engine.askedWait(error));
      throw error;
    }
  }
}

/** The results of `map` for each item, made when they are asked for. */
export function* mapped<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Result,
): Generator<Result, void, undefined> {
  for (const item of items) yield map(item);
}
