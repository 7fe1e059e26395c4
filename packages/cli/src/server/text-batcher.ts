import { ApiError, overloaded } from "./api-error.ts";

/** Limits of a {@link TextBatcher}. */
export interface BatchLimits {
  /** Most texts in one call of the encoder. */
  readonly batchTexts: number;
  /** Milliseconds that a text waits for others while the encoder has room. */
  readonly batchWait: number;
  /** Calls of the encoder at once. */
  readonly parallelBatches: number;
  /** Most texts that wait; beyond them requests are refused. */
  readonly queuedTexts: number;
}

/** What batches report. */
export interface BatchEvents {
  readonly onQueue?: (texts: number) => void;
  readonly onBatch?: (texts: number, seconds: number) => void;
}

/** Encodes texts of one kind; gives a vector for each, in their order. */
export type EncodeBatch<Vector> = (kind: string, texts: readonly string[]) => Promise<Iterable<Vector>>;

/** A text that waits. */
interface WaitingText<Vector> {
  readonly kind: string;
  readonly text: string;
  readonly request: WaitingRequest<Vector>;
  /** Place in the request. */
  readonly place: number;
}

interface WaitingRequest<Vector> {
  readonly vectors: Vector[];
  missing: number;
  isOver: boolean;
  resolve(vectors: Vector[]): void;
  reject(error: unknown): void;
}

/**
 * Gathers texts of many requests into calls of an encoder. Texts of one call have one kind, such as the task and the prompt.
 * A request that was given up leaves the queue; its texts are not encoded.
 */
export class TextBatcher<Vector> {
  private readonly encode: EncodeBatch<Vector>;
  private readonly limits: BatchLimits;
  private readonly events: BatchEvents;
  private queue: WaitingText<Vector>[] = [];
  private running = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(encode: EncodeBatch<Vector>, limits: BatchLimits, events: BatchEvents = {}) {
    this.encode = encode;
    this.limits = limits;
    this.events = events;
  }

  /** Texts that wait. */
  get waiting(): number {
    return this.queue.length;
  }

  /** @throws ApiError with status 429 if too many texts wait; what the encoder throws; the reason of the signal */
  add(kind: string, texts: readonly string[], signal: AbortSignal): Promise<Vector[]> {
    signal.throwIfAborted();
    if (texts.length > this.limits.queuedTexts) {
      throw new ApiError(
        413,
        "Validation",
        `At most ${this.limits.queuedTexts} texts may wait, and the request has ${texts.length}.`,
      );
    }
    if (this.queue.length + texts.length > this.limits.queuedTexts) {
      throw overloaded(`${this.queue.length} texts wait already, of at most ${this.limits.queuedTexts}.`);
    }
    if (texts.length === 0) return Promise.resolve([]);
    return new Promise<Vector[]>((resolve, reject) => {
      const request: WaitingRequest<Vector> = {
        vectors: [],
        missing: texts.length,
        isOver: false,
        resolve,
        reject,
      };
      const onAbort = () => this.abandon(request, signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const leave = () => signal.removeEventListener("abort", onAbort);
      request.resolve = (vectors) => {
        leave();
        resolve(vectors);
      };
      request.reject = (error) => {
        leave();
        reject(error);
      };
      for (const [place, text] of texts.entries()) this.queue.push({ kind, text, request, place });
      this.events.onQueue?.(this.queue.length);
      this.schedule();
    });
  }

  private abandon(request: WaitingRequest<Vector>, reason: unknown): void {
    if (request.isOver) return;
    request.isOver = true;
    this.queue = this.queue.filter((waiting) => waiting.request !== request);
    this.events.onQueue?.(this.queue.length);
    request.reject(reason);
  }

  /** Starts a full batch at once, and another one when its texts have waited. */
  private schedule(): void {
    if (this.queue.length === 0 || this.running >= this.limits.parallelBatches) return;
    if (this.queue.length >= this.limits.batchTexts || this.limits.batchWait === 0) {
      this.start();
      return;
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.queue.length > 0 && this.running < this.limits.parallelBatches) this.start();
    }, this.limits.batchWait);
  }

  private start(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { kind } = this.queue[0]!;
    const batch: WaitingText<Vector>[] = [];
    const rest: WaitingText<Vector>[] = [];
    for (const waiting of this.queue) {
      (waiting.kind === kind && batch.length < this.limits.batchTexts ? batch : rest).push(waiting);
    }
    this.queue = rest;
    this.events.onQueue?.(rest.length);
    this.running++;
    void this.run(kind, batch).finally(() => {
      this.running--;
      this.schedule();
    });
    this.schedule();
  }

  private async run(kind: string, batch: readonly WaitingText<Vector>[]): Promise<void> {
    const started = performance.now();
    try {
      const vectors = await this.encode(
        kind,
        batch.map(({ text }) => text),
      );
      this.events.onBatch?.(batch.length, (performance.now() - started) / 1000);
      let position = 0;
      for (const vector of vectors) {
        const { request, place } = batch[position++]!;
        request.vectors[place] = vector;
        request.missing--;
        if (request.missing === 0 && !request.isOver) {
          request.isOver = true;
          request.resolve(request.vectors);
        }
      }
    } catch (error) {
      for (const { request } of batch) {
        if (request.isOver) continue;
        request.isOver = true;
        request.reject(error);
      }
      // Texts of these requests that still wait are wanted by nobody.
      this.queue = this.queue.filter(({ request }) => !request.isOver);
    }
  }
}
