const stopField = 0;
const runningField = 1;

/**
 * Keeps native runs and the end of their threads apart. Ending a thread inside a run of onnxruntime-node 1.30
 * aborts the whole process, so a thread may end only while no run is under way: workers ask the gate before each
 * run, and whoever wants to end them closes the gate and waits until it is empty.
 *
 * The state is two shared counters: closed or not, and the number of runs under way.
 */
export class RunGate {
  readonly buffer: SharedArrayBuffer;
  private readonly fields: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.fields = new Int32Array(buffer);
  }

  /**
   * Worker side: runs `native` unless the gate is closed, in which case it returns undefined. The count rises
   * before the flag is read, and the other side sets the flag before it reads the count, so a run that starts is
   * always seen.
   */
  async pass<Result>(native: () => Promise<Result>): Promise<Result | undefined> {
    Atomics.add(this.fields, runningField, 1);
    try {
      return Atomics.load(this.fields, stopField) === 0 ? await native() : undefined;
    } finally {
      Atomics.sub(this.fields, runningField, 1);
      Atomics.notify(this.fields, runningField);
    }
  }

  /** Counts from zero again; for when no worker can be in a run. */
  forgetRuns(): void {
    Atomics.store(this.fields, runningField, 0);
  }

  /** No run starts from now on. */
  close(): void {
    Atomics.store(this.fields, stopField, 1);
  }

  /** Blocks this thread until no run is under way, at most `timeout` milliseconds. */
  waitUntilEmpty(timeout: number): void {
    const deadline = Date.now() + timeout;
    for (let running = this.running; running > 0; running = this.running) {
      const left = deadline - Date.now();
      if (left <= 0) return;
      Atomics.wait(this.fields, runningField, running, left);
    }
  }

  private get running(): number {
    return Atomics.load(this.fields, runningField);
  }
}
