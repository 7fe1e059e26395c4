import { Deadline } from "../../calls/index.ts";
import { invalidArgument, SparseEncoderError } from "../../errors.ts";
import type { CheckedOptions } from "../../options/index.ts";
import type { Arm, VectorSource } from "../arms/arm.ts";
import { bindEncoder, countStored } from "../arms/store-weights.ts";
import type { RetrievalEvent } from "../retrieval-event.ts";
import { type AddOptions, addOptions } from "./add-options.ts";
import { type DocumentBatch, readBatches } from "./document-batches.ts";
import { type EncodedBatch, encodeBatch } from "./encoded-batch.ts";
import { failureOf, IngestionError } from "./failure.ts";
import { checkNewDocuments, type DocumentSource } from "./new-document.ts";

/**
 * One call of `add`: a pipeline in which two batches are on their way to the stores, and as many more as stores take at once.
 *
 *   source ─ read, check ─▶ batch n + 2 ─ encode ─▶ batch n + 1 ─ encoded ─▶ batch n … ─ store ─▶ stores
 *                           (handed to encoders)    (waits its turn)         (`writesAtOnce` of the stores)
 *
 * Encoders never wait for a store, since the next batch is always handed to them, and the source is read no faster than the
 * stores take. Batches count in the order of the source: a batch that is stored behind one that failed does not.
 */
export class Ingestion {
  private readonly options: CheckedOptions<(typeof addOptions)["rules"]>;
  private readonly sources: readonly VectorSource[];
  private readonly onEvent: (event: RetrievalEvent) => void;
  private readonly deadline: Deadline;
  /** Documents from the start of the source that are stored. */
  private stored: number;
  private total: number | undefined;
  /** The batches that are being stored, in the order of the source. */
  private storing: Promise<void>[] = [];
  private readonly storedAtOnce: number;
  /** The batch behind the batches that are being stored. */
  private waiting: Promise<EncodedBatch> | undefined;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(
    arms: readonly Arm[],
    options: AddOptions | undefined,
    onEvent: (event: RetrievalEvent) => void,
  ) {
    this.options = addOptions.check(options?.wording?.call ?? "add", options);
    const { signal, skip, wording } = this.options;
    this.sources = arms.flatMap((arm) => arm.source ?? []);
    if (this.sources.length === 0) {
      throw invalidArgument(
        `${wording.call}: no arm of this retriever has a store; give a store to an arm with an encoder or embed.`,
      );
    }
    const places = this.sources.map(({ store }) => store.capabilities.writesAtOnce ?? 1);
    this.storedAtOnce = Math.max(...places);
    this.onEvent = onEvent;
    this.stored = skip;
    this.deadline = new Deadline(signal, undefined, wording.call);
  }

  /**
   * Adds the documents of a source.
   *
   * @returns how many were stored
   * @throws IngestionError; SparseEncoderError for wrong documents of an array, before anything is encoded
   */
  async run(source: DocumentSource): Promise<number> {
    using deadline = this.deadline;
    const { skip } = this.options;
    if (Array.isArray(source)) {
      this.total = source.length;
      checkNewDocuments(source.slice(skip), skip, this.sources);
    }
    try {
      await this.bindEncoders();
      await this.passBatches(source);
      return this.stored - skip;
    } catch (cause) {
      deadline.end(cause);
      throw this.failure(cause);
    }
  }

  private async bindEncoders(): Promise<void> {
    for (const source of this.sources) {
      await this.deadline
        .race((signal) => bindEncoder(source, signal))
        .catch((cause: unknown) => {
          throw failureOf(cause, "STORE_FAILED", `The store ${source.store.name} failed`);
        });
    }
  }

  private async passBatches(source: DocumentSource): Promise<void> {
    const { batchSize, skip } = this.options;
    try {
      for await (const batch of readBatches(source, batchSize, skip, this.deadline)) {
        const encoding = this.encode(batch);
        // A failure is seen when it is the turn of the batch.
        encoding.catch(() => {});
        const before = this.waiting;
        this.waiting = encoding;
        if (before !== undefined) await this.storeWhenEncoded(before);
      }
    } finally {
      // If the source failed, the documents that it gave before are stored and count.
      if (this.waiting !== undefined) await this.storeWhenEncoded(this.waiting);
      await Promise.all(this.storing);
    }
  }

  private encode({ first, documents }: DocumentBatch): Promise<EncodedBatch> {
    // Documents of an array are checked already.
    if (this.total === undefined) checkNewDocuments(documents, first, this.sources);
    return encodeBatch(this.sources, documents, this.deadline);
  }

  private async storeWhenEncoded(encoding: Promise<EncodedBatch>): Promise<void> {
    try {
      const encoded = await encoding;
      while (this.storing.length >= this.storedAtOnce) await this.storing.shift();
      const stored = this.store(encoded, this.storing.at(-1));
      this.storing.push(stored);
      // Awaited before a later batch or at the end; until then its failure ends the other work.
      stored.catch((error) => this.deadline.end(error));
    } catch (error) {
      // A batch behind one that failed must not be stored.
      this.waiting = undefined;
      throw error;
    }
  }

  /** @param before the storing of the batch before, which counts first */
  private async store(
    { documents, upserts, milliseconds }: EncodedBatch,
    before: Promise<void> | undefined,
  ): Promise<void> {
    const started = performance.now();
    await Promise.all(
      Array.from(upserts, ([target, batch]) =>
        this.deadline
          .race((signal) => target.upsert(batch, { signal }))
          .catch((cause: unknown) => {
            throw failureOf(cause, "STORE_FAILED", `The store ${target.name} failed`);
          }),
      ),
    );
    const upsertMilliseconds = performance.now() - started;
    await before;
    this.stored += documents.length;
    if (this.options.countDocuments) await this.countStored(documents);
    this.onEvent({
      type: "batch",
      documents: documents.length,
      stored: this.stored,
      encodeMilliseconds: milliseconds,
      upsertMilliseconds,
    });
    this.options.onProgress?.({ done: this.stored, total: this.total });
  }

  /** Each encoder counts a document once, in however many stores it is. */
  private async countStored(documents: EncodedBatch["documents"]): Promise<void> {
    const texts = documents.map(({ text, encodedText }) => encodedText ?? text);
    const byEncoder = new Map(this.sources.map((source) => [source.embedder.identity, source]));
    for (const source of byEncoder.values()) {
      await this.deadline.race((signal) => countStored(source, texts, signal));
    }
  }

  private failure(cause: unknown): unknown {
    // All other errors are wrapped where they happen: this one was thrown by a callback.
    if (!SparseEncoderError.is(cause)) return cause;
    const { call, goOn } = this.options.wording;
    const message = `${call}: ${cause.message} ${goOn(this.stored)}`;
    return new IngestionError(cause.code, message, this.stored, cause.cause ?? cause);
  }
}
