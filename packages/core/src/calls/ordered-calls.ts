/** Calls that share a key follow each other in the order in which they were made; all others overlap. */
export class OrderedCalls {
  /** The last call of each key; none of these promises rejects. */
  private readonly last = new Map<string, Promise<void>>();
  private readonly underWay = new Set<Promise<void>>();
  /** The last call of all keys. */
  private lastOfAll: Promise<void> | undefined;

  /**
   * Begins the work at once, or when the calls before it have settled that share a key with it.
   * @param keys undefined for a call that waits for all calls before it, and lets all calls behind it wait
   */
  run<Result>(keys: readonly string[] | undefined, work: () => Promise<Result>): Promise<Result> {
    const before = new Set<Promise<void>>(
      keys === undefined ? this.underWay : keys.flatMap((key) => this.last.get(key) ?? []),
    );
    if (this.lastOfAll !== undefined) before.add(this.lastOfAll);
    const call = before.size === 0 ? work() : Promise.all(before).then(work);
    const end = () => this.forget(keys, settled);
    const settled: Promise<void> = call.then(end, end);
    this.underWay.add(settled);
    if (keys === undefined) this.lastOfAll = settled;
    else for (const key of keys) this.last.set(key, settled);
    return call;
  }

  private forget(keys: readonly string[] | undefined, call: Promise<void>): void {
    this.underWay.delete(call);
    if (this.lastOfAll === call) this.lastOfAll = undefined;
    for (const key of keys ?? []) if (this.last.get(key) === call) this.last.delete(key);
  }
}
