/** What one device of a call has done, and has in hand. */
interface Share {
  /** Time of its first batch, in milliseconds. */
  readonly begun: number;
  /** Texts of batches that are done. */
  readonly done: number;
  /** Texts of batches that run or wait. */
  readonly inHand: number;
  /** Texts of the batch that it took last. */
  readonly size: number;
}

/**
 * Part of another device's texts that the CPU must do beside it, to be worth the cores that the other one's host work then lacks. With
 * 13 cores beside an H200, the CPU could do 9 % of its texts, and both together did half as many as the card by itself.
 */
const leastPart = 1 / 8;

/**
 * How fast the devices of a call are, so that the work ends on all of them at about the same time: a slow device leaves the last
 * batches to another one that would be done with all of them before it would be done with one.
 */
export class WorkShares<Device> {
  private left: number;
  private readonly now: () => number;
  private readonly isCpu: (device: Device) => boolean;
  private readonly shares = new Map<Device, Share>();
  private waiting: (() => void)[] = [];

  /**
   * @param texts all of the call
   * @param isCpu whether a device takes its cores from the host work of the others
   * @param now a clock in milliseconds
   */
  constructor(
    texts: number,
    isCpu: (device: Device) => boolean,
    now: () => number = () => performance.now(),
  ) {
    this.left = texts;
    this.isCpu = isCpu;
    this.now = now;
  }

  /** A device has taken a batch of this number of texts. */
  took(device: Device, texts: number): void {
    const share = this.shares.get(device) ?? { begun: this.now(), done: 0, inHand: 0, size: 0 };
    this.shares.set(device, { ...share, inHand: share.inHand + texts, size: texts });
    this.left -= texts;
    if (this.left <= 0) this.wake();
  }

  /** A batch of this number of texts is done, by that device or by another in its place. */
  did(device: Device, texts: number): void {
    const share = this.shares.get(device);
    if (share !== undefined) {
      this.shares.set(device, { ...share, done: share.done + texts, inHand: share.inHand - texts });
    }
    this.wake();
  }

  /** A device does nothing more. */
  drop(device: Device): void {
    this.shares.delete(device);
    this.wake();
  }

  /** Resolves when the device may take another batch, or when none is left. */
  async turnOf(device: Device): Promise<void> {
    while (!this.mayTake(device)) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    }
  }

  private mayTake(device: Device): boolean {
    const share = this.shares.get(device);
    if (this.left <= 0 || share === undefined || share.done === 0) return true;
    if (this.isCpu(device) && this.costsMoreThanItGives(device)) return false;
    const end = (share.inHand + Math.min(share.size, this.left)) / this.rateOf(device);
    // The device that would be done with all of it first never waits, so all cannot wait for each other.
    return ![...this.shares].some(([other, { inHand, done }]) => {
      return other !== device && done > 0 && (inHand + this.left) / this.rateOf(other) < end;
    });
  }

  private costsMoreThanItGives(cpu: Device): boolean {
    return [...this.shares].some(
      ([other, { done }]) =>
        done > 0 && !this.isCpu(other) && this.rateOf(cpu) < this.rateOf(other) * leastPart,
    );
  }

  /** Texts per millisecond. */
  private rateOf(device: Device): number {
    const { begun, done } = this.shares.get(device)!;
    return done / Math.max(1e-3, this.now() - begun);
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
