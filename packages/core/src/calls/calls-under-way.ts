/** The calls of one object that have not settled yet, so that `close()` can wait for them. */
export class CallsUnderWay {
  private readonly pending = new Set<Promise<unknown>>();

  /** Calls that have not settled. */
  get size(): number {
    return this.pending.size;
  }

  /** Registers the call until it settles, and returns it. */
  track<Result>(call: Promise<Result>): Promise<Result> {
    this.pending.add(call);
    const settle = () => void this.pending.delete(call);
    call.then(settle, settle);
    return call;
  }

  /** Resolves when no call is left, calls begun meanwhile included. Never rejects. */
  async settled(): Promise<void> {
    while (this.pending.size > 0) await Promise.allSettled(this.pending);
  }
}
