import { SparseEncoderError } from "../../errors.ts";
import type { Device, EncodeBatch, EncodedRows } from "../../runtime/index.ts";

/** What runs batches on one device. */
export interface BatchPool {
  readonly device: Device;
  run(pack: () => EncodeBatch, isWanted?: () => boolean): Promise<EncodedRows>;
}

/** The devices that share a call. What one of them fails at goes to another once, and it gets nothing more if that succeeds. */
export class SharedPools<Pool extends BatchPool> {
  private readonly pools: readonly Pool[];
  private readonly lost = new Set<Pool>();

  constructor(pools: readonly Pool[]) {
    this.pools = pools;
  }

  /** False for a device that failed at what another one could do: it is broken, or was unplugged. */
  works(pool: Pool): boolean {
    return !this.lost.has(pool);
  }

  /**
   * Runs a batch on a device, or on another if that one fails.
   *
   * @param pack makes the batch as a device needs it
   * @param isWanted asked when its turn comes
   * @throws SparseEncoderError `WORKER_FAILED` of the first device if all fail that were tried
   */
  async run(
    pool: Pool,
    pack: (device: Device) => EncodeBatch,
    isWanted?: () => boolean,
  ): Promise<EncodedRows> {
    try {
      return await pool.run(() => pack(pool.device), isWanted);
    } catch (error) {
      const other = this.pools.find((known) => known !== pool && this.works(known));
      if (other === undefined || !SparseEncoderError.is(error, "WORKER_FAILED")) throw error;
      const rows = await other
        .run(() => pack(other.device), isWanted)
        .catch(() => {
          throw error;
        });
      this.lost.add(pool);
      return rows;
    }
  }
}
