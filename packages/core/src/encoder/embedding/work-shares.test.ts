import { describe, expect, it } from "vitest";
import { WorkShares } from "./work-shares.ts";

/** Devices in simulated time: each takes `milliseconds` a batch of `size` texts and keeps `lanes` batches in hand. */
interface FakeDevice {
  readonly size: number;
  readonly milliseconds: number;
  readonly lanes: number;
  readonly isCpu?: boolean;
}

/** Shares texts among fakes, and gives the texts of each and when the last was done. */
async function simulate(texts: number, devices: readonly FakeDevice[]) {
  let now = 0;
  let left = texts;
  const shares = new WorkShares<FakeDevice>(
    texts,
    ({ isCpu = false }) => isCpu,
    () => now,
  );
  const done = new Map(devices.map((device) => [device, 0]));
  const freeAt = new Map(devices.map((device) => [device, 0]));
  const timers: { at: number; resolve: () => void }[] = [];
  const until = (at: number) => new Promise<void>((resolve) => timers.push({ at, resolve }));
  let open = 0;
  const lane = async (device: FakeDevice) => {
    for (;;) {
      await shares.turnOf(device);
      if (left === 0) break;
      const batch = Math.min(device.size, left);
      left -= batch;
      shares.took(device, batch);
      // A device runs its batches one after the other.
      const end = Math.max(now, freeAt.get(device)!) + device.milliseconds;
      freeAt.set(device, end);
      await until(end);
      shares.did(device, batch);
      done.set(device, done.get(device)! + batch);
    }
    open--;
  };
  const lanes = devices.flatMap((device) => Array.from({ length: device.lanes }, () => device));
  open = lanes.length;
  const running = Promise.all(lanes.map(lane));
  while (open > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    timers.sort((a, b) => b.at - a.at);
    const next = timers.pop();
    if (next === undefined) continue;
    now = next.at;
    next.resolve();
  }
  await running;
  return { done: devices.map((device) => done.get(device)!), milliseconds: now };
}

describe("WorkShares", () => {
  it("gives a CPU one batch where it would take more from the other device than it gives", async () => {
    const card = { size: 128, milliseconds: 10, lanes: 4 };
    const cpu = { size: 8, milliseconds: 10, lanes: 2, isCpu: true };
    const { done } = await simulate(13_600, [card, cpu]);
    // What its lanes had in hand before its rate was known.
    expect(done[1]).toBeLessThanOrEqual(4 * cpu.size);
    expect(done[0]! + done[1]!).toBe(13_600);
  });

  it("gives a CPU as much as it can do beside a card that is not eight times as fast", async () => {
    const card = { size: 128, milliseconds: 10, lanes: 4 };
    const cpu = { size: 24, milliseconds: 10, lanes: 2, isCpu: true };
    const { done } = await simulate(15_200, [card, cpu]);
    expect(done[1]).toBeGreaterThan(2_000);
  });

  it("gives each device as much as it can do", async () => {
    const fast = { size: 128, milliseconds: 10, lanes: 4 };
    const slow = { size: 8, milliseconds: 10, lanes: 2 };
    const { done, milliseconds } = await simulate(13_600, [fast, slow]);
    // 12.8 and 0.8 texts per millisecond: 1,000 ms together, 1,062.5 ms for the fast one.
    expect(done[0]! + done[1]!).toBe(13_600);
    expect(done[1]!).toBeGreaterThan(600);
    expect(milliseconds).toBeLessThanOrEqual(1_030);
  });

  it("leaves the last batches to the fast device", async () => {
    const fast = { size: 128, milliseconds: 10, lanes: 4 };
    const slow = { size: 32, milliseconds: 400, lanes: 2 };
    // 1,000 texts take 80 ms on the fast one. The slow one has two batches before anything is known of it.
    const { done, milliseconds } = await simulate(100_000, [fast, slow]);
    expect(done[0]! + done[1]!).toBe(100_000);
    const alone = 100_000 / 12.8;
    expect(milliseconds).toBeLessThanOrEqual(alone + 10);
  });

  it("lets equal devices share evenly", async () => {
    const devices = [1, 2].map(() => ({ size: 32, milliseconds: 10, lanes: 2 }));
    const { done, milliseconds } = await simulate(3_200, devices);
    expect(done).toEqual([1_600, 1_600]);
    expect(milliseconds).toBe(500);
  });

  it.each([1, 31, 32, 33, 65, 100, 3_201])(
    "never lets all devices wait for each other, with %i texts",
    async (texts) => {
      const devices = [1, 2, 3].map(() => ({ size: 32, milliseconds: 10, lanes: 2 }));
      const { done } = await simulate(texts, devices);
      expect(done.reduce((sum, count) => sum + count)).toBe(texts);
    },
  );

  it("lets the slow device go on when the fast one is dropped", async () => {
    let now = 0;
    const shares = new WorkShares<string>(
      1_000,
      () => false,
      () => now,
    );
    shares.took("slow", 10);
    shares.took("fast", 100);
    now = 100;
    shares.did("fast", 100);
    shares.did("slow", 10);
    shares.took("fast", 880);
    let turn = false;
    const waiting = shares.turnOf("slow").then(() => {
      turn = true;
    });
    await Promise.resolve();
    shares.drop("fast");
    await waiting;
    expect(turn).toBe(true);
  });
});
