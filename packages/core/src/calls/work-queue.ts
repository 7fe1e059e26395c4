import { SparseEncoderError } from "../errors.ts";

/** Work that waits for its turn. */
interface WaitingWork {
  /** Does the work and settles the promise of {@link WorkQueue.add}; never rejects. */
  readonly begin: () => Promise<void>;
  readonly drop: (error: unknown) => void;
  readonly isWanted: () => boolean;
}

/** Work that runs at most `limit` times at once, first come, first served. Work that nobody wants any more never starts. */
export class WorkQueue {
  private limit: number;
  private readonly queue: WaitingWork[] = [];
  private active = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Number of jobs that run. */
  get running(): number {
    return this.active;
  }

  /** Number of jobs that wait and are still wanted. */
  get waiting(): number {
    return this.queue.reduce((sum, { isWanted }) => sum + (isWanted() ? 1 : 0), 0);
  }

  /**
   * Does the work when its turn comes.
   * @param isWanted asked when the turn comes
   * @throws SparseEncoderError `ABORTED` if the work was not wanted then; what the work throws
   */
  add<Result>(work: () => Promise<Result>, isWanted: () => boolean = () => true): Promise<Result> {
    return new Promise((resolve, reject) => {
      const begin = () => work().then(resolve, reject);
      this.queue.push({ begin, drop: reject, isWanted });
      this.serve();
    });
  }

  /** Most jobs that run at once. */
  get mostRunning(): number {
    return this.limit;
  }

  /** Runs one job fewer at once from now on, but at least one. */
  lowerLimit(): void {
    this.limit = Math.max(1, this.limit - 1);
  }

  /** Rejects all jobs that wait with this error. What runs goes on. */
  dropAll(error: unknown): void {
    for (const { drop } of this.queue.splice(0)) drop(error);
  }

  private serve(): void {
    while (this.active < this.limit) {
      const next = this.queue.shift();
      if (next === undefined) return;
      if (!next.isWanted()) {
        next.drop(new SparseEncoderError("ABORTED", "The call has ended."));
        continue;
      }
      this.active++;
      void next.begin().finally(() => {
        this.active--;
        this.serve();
      });
    }
  }
}
