import { threadId } from "node:worker_threads";

const stopField = 0;
/** The fields from here on are one per thread: its id while it is in a run, else 0. */
const firstRunField = 1;

/**
 * Keeps native runs and the end of their threads apart. Ending a thread inside a run of onnxruntime-node 1.30
 * aborts the whole process, so a thread may end only while no run is under way: workers ask the gate before each
 * run, and whoever wants to end them closes the gate and waits until it is empty.
 *
 * The state is shared memory: whether the gate is closed, and which threads are in a run.
 */
export class RunGate {
  readonly buffer: SharedArrayBuffer;
  private readonly fields: Int32Array;

  /** @param memory number of threads that may be in a run at once, or the buffer of another thread's gate */
  constructor(memory: number | SharedArrayBuffer) {
    this.buffer =
      typeof memory === "number"
        ? new SharedArrayBuffer((firstRunField + memory) * Int32Array.BYTES_PER_ELEMENT)
        : memory;
    this.fields = new Int32Array(this.buffer);
  }

  /**
   * Worker side: runs `native` unless the gate is closed, in which case it returns undefined. The thread is entered
   * before the flag is read, and the other side sets the flag before it reads the threads, so a run that starts is
   * always seen.
   */
  async pass<Result>(native: () => Promise<Result>): Promise<Result | undefined> {
    const field = this.enter();
    try {
      return Atomics.load(this.fields, stopField) === 0 ? await native() : undefined;
    } finally {
      Atomics.store(this.fields, field, 0);
      Atomics.notify(this.fields, field);
    }
  }

  /** Forgets threads that ended in the middle of a run: all but these. */
  keepOnly(threads: readonly number[]): void {
    for (let field = firstRunField; field < this.fields.length; field++) {
      const thread = this.at(field);
      // An empty field may be taken at this moment.
      if (thread !== 0 && !threads.includes(thread)) Atomics.compareExchange(this.fields, field, thread, 0);
    }
  }

  /** No run starts from now on. */
  close(): void {
    Atomics.store(this.fields, stopField, 1);
  }

  /** Blocks this thread until no run is under way, at most `timeout` milliseconds. False if one still is. */
  waitUntilEmpty(timeout: number): boolean {
    const deadline = Date.now() + timeout;
    for (let field = firstRunField; field < this.fields.length; field++) {
      for (let thread = this.at(field); thread !== 0; thread = this.at(field)) {
        const left = deadline - Date.now();
        if (left <= 0) return false;
        Atomics.wait(this.fields, field, thread, left);
      }
    }
    return true;
  }

  private enter(): number {
    for (let field = firstRunField; field < this.fields.length; field++) {
      if (Atomics.compareExchange(this.fields, field, 0, threadId) === 0) return field;
    }
    throw new Error("more threads are in a run than the gate has fields");
  }

  private at(field: number): number {
    return Atomics.load(this.fields, field);
  }
}
