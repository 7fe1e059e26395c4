import { describe, expect, it } from "vitest";
import { SparseEncoderError } from "../../errors.ts";
import { type Device, type EncodeBatch, type EncodedRows, parseDevice } from "../../runtime/index.ts";
import { type BatchPool, SharedPools } from "./shared-pools.ts";

/** A fake of a device's workers: gives the name of the device as the only value, or fails from some batch on. */
class FakePool implements BatchPool {
  readonly device: Device;
  readonly failsFrom: number;
  readonly error: Error;
  batches = 0;

  constructor(name: string, failsFrom = Number.POSITIVE_INFINITY, error: Error = lost(name)) {
    this.device = parseDevice(name);
    this.failsFrom = failsFrom;
    this.error = error;
  }

  async run(pack: () => EncodeBatch): Promise<EncodedRows> {
    pack();
    if (this.batches++ >= this.failsFrom) throw this.error;
    return { dense: Float32Array.of(this.device.index) };
  }
}

function lost(name: string): SparseEncoderError {
  return new SparseEncoderError(
    "WORKER_FAILED",
    `A batch failed in two workers: CUDA failure 700 on ${name}`,
  );
}

const pack = (device: Device): EncodeBatch => ({
  ids: new Int32Array(device.index + 1),
  lengths: new Int32Array(1),
  maxActiveDims: 0,
  skippedTokens: 0,
  alone: false,
});

describe("devices that share a call", () => {
  it("take over the batches of one that is lost, which gets nothing more", async () => {
    const pools = [new FakePool("cuda:0", 1), new FakePool("cuda:1")] as const;
    const shared = new SharedPools(pools);
    expect(await shared.run(pools[0], pack)).toEqual({ dense: Float32Array.of(0) });
    expect(shared.works(pools[0])).toBe(true);
    expect(await shared.run(pools[0], pack)).toEqual({ dense: Float32Array.of(1) });
    expect(shared.works(pools[0])).toBe(false);
    expect(shared.works(pools[1])).toBe(true);
  });

  it("fail with the words of the first if all fail, and stay in use: the batch may be at fault", async () => {
    const pools = [new FakePool("cuda:0", 0), new FakePool("cuda:1", 0)] as const;
    const shared = new SharedPools(pools);
    await expect(shared.run(pools[0], pack)).rejects.toThrow("CUDA failure 700 on cuda:0");
    expect(pools.map((pool) => shared.works(pool))).toEqual([true, true]);
    expect(pools.map(({ batches }) => batches)).toEqual([1, 1]);
  });

  it("fail at once if there is one, or if the call was ended", async () => {
    const [only] = [new FakePool("cuda:0", 0)];
    await expect(new SharedPools([only!]).run(only!, pack)).rejects.toThrow("CUDA failure 700");
    const closed = new SparseEncoderError("CLOSED", "The encoder was closed.");
    const pools = [new FakePool("cuda:0", 0, closed), new FakePool("cuda:1")] as const;
    await expect(new SharedPools(pools).run(pools[0], pack)).rejects.toBe(closed);
    expect(pools[1].batches).toBe(0);
  });
});
