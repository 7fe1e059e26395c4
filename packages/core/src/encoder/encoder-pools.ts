import { SparseEncoderError } from "../errors.ts";
import type { Device } from "../runtime/index.ts";
import type { RowEmbedder } from "./embedding/row-embedder.ts";
import { EncoderPool } from "./encoder-pool.ts";
import { deviceFailure } from "./loading/devices.ts";

/** The pools that an encoder or a reranker started and has not stopped. */
export class EncoderPools {
  private readonly embedders: readonly RowEmbedder<unknown>[];
  private readonly kind: string;
  private readonly pools = new Set<EncoderPool>();
  private isDestroyed = false;

  /**
   * @param embedders of the model; a pool holds workers for each of them
   * @param kind what the model is, for messages
   */
  constructor(embedders: readonly RowEmbedder<unknown>[], kind: string) {
    this.embedders = embedders;
    this.kind = kind;
  }

  /**
   * Starts a worker on each of the devices.
   * @throws SparseEncoderError `DEVICE_UNAVAILABLE`, `WORKER_FAILED`; `CLOSED` if the model was destroyed meanwhile
   */
  async open(devices: readonly Device[]): Promise<EncoderPool> {
    const opening = await Promise.allSettled(
      this.embedders.map(async (embedder) => [embedder, await embedder.startWorkers(devices)] as const),
    );
    const opened = opening.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const names = devices.map(({ name }) => name);
    const pool = new EncoderPool(names, new Map(opened), () => this.pools.delete(pool));
    this.pools.add(pool);
    const failed = opening.find((outcome) => outcome.status === "rejected");
    // A call that was under way when the encoder was closed gets its pool all the same.
    if (failed === undefined && !this.isDestroyed) return pool;
    await pool.stop();
    if (failed === undefined || this.isDestroyed) throw closedError(this.kind);
    throw await deviceFailure(failed.reason, devices);
  }

  /** Lets calls under way finish, then ends the workers of all pools. */
  async stop(): Promise<void> {
    await Promise.all([...this.pools].map((pool) => pool.stop()));
  }

  /** Ends the workers of all pools, also of pools that are being started, as soon as their batches are done. */
  async destroy(): Promise<void> {
    this.isDestroyed = true;
    await Promise.all([...this.pools].map((pool) => pool.destroy()));
  }
}

/** The error of a call after the end of an encoder or a reranker. */
export function closedError(kind: string): SparseEncoderError {
  return new SparseEncoderError("CLOSED", `The ${kind} was closed; load it again to go on.`);
}
