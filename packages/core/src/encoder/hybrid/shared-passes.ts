import { onAbort, unlessAborted } from "../../calls/index.ts";
import type { HybridMatrix } from "./hybrid-matrix.ts";

/** What a pass is for. */
export type PassTask = "query" | "document";

/** Which vectors of a pass a caller takes. */
export type PassHalf = "sparse" | "dense";

/** Makes sparse and dense vectors of texts. */
export type RunPass = (
  task: PassTask,
  texts: readonly string[],
  signal: AbortSignal,
) => Promise<HybridMatrix>;

/**
 * Lets two callers share one run of the model: one asks for the sparse vectors of texts, the other one for the dense vectors of the
 * same texts while the run is under way. A run ends early when nobody wants it any more.
 */
export class SharedPasses {
  private readonly run: RunPass;
  private readonly underWay = new Set<Pass>();

  constructor(run: RunPass) {
    this.run = run;
  }

  /**
   * Both kinds of vectors of `texts`; the caller takes `half`.
   * @throws SparseEncoderError `ABORTED`, and as the run
   */
  take(
    half: PassHalf,
    task: PassTask,
    texts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<HybridMatrix> {
    const known = [...this.underWay].find((pass) => pass.serves(half, task, texts));
    return (known ?? this.begin(task, [...texts])).take(half, signal);
  }

  private begin(task: PassTask, texts: readonly string[]): Pass {
    const pass = new Pass(this.run, task, texts);
    this.underWay.add(pass);
    const forget = () => this.underWay.delete(pass);
    pass.ended.then(forget, forget);
    return pass;
  }
}

/** One run of the model over texts; each half can be taken once. */
class Pass {
  /** Settles with the run. */
  readonly ended: Promise<HybridMatrix>;
  private readonly task: PassTask;
  private readonly texts: readonly string[];
  private readonly taken = new Set<PassHalf>();
  private readonly controller = new AbortController();
  /** Callers that still want the result. */
  private wanted = 0;

  constructor(run: RunPass, task: PassTask, texts: readonly string[]) {
    this.task = task;
    this.texts = texts;
    this.ended = run(task, texts, this.controller.signal);
  }

  serves(half: PassHalf, task: PassTask, texts: readonly string[]): boolean {
    const isFree = !this.taken.has(half) && !this.controller.signal.aborted;
    return isFree && this.task === task && areSame(this.texts, texts);
  }

  async take(half: PassHalf, signal: AbortSignal | undefined): Promise<HybridMatrix> {
    this.taken.add(half);
    this.wanted++;
    const takeBack = signal && onAbort(signal, () => this.leave());
    try {
      return await unlessAborted(signal, this.ended);
    } finally {
      takeBack?.();
    }
  }

  private leave(): void {
    this.wanted--;
    if (this.wanted === 0) this.controller.abort();
  }
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, place) => text === b[place]);
}
