import { throwIfAborted, unlessAborted } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import type { CompiledModel } from "../../graph/index.ts";
import {
  batchLimits,
  batchWidth,
  type Device,
  type EncodeBatch,
  type EncodedRows,
  type WorkerPool,
} from "../../runtime/index.ts";
import { BatchSource, type BatchSourceOptions, type PlannedBatch } from "./batch-source.ts";
import type { BatchedRows } from "./matrix-form.ts";
import { BatchFailure, countTexts, type EmbedCall, type EmbedWindow } from "./row-embedder.ts";
import { SharedPools } from "./shared-pools.ts";
import { WorkShares } from "./work-shares.ts";

/** How many batches a call keeps with the pool for each worker: one that runs, one that waits its turn. */
const batchesPerWorker = 2;

/** Blocks of texts that are tokenized at once for devices that take texts faster than one thread tokenizes them. */
const blocksForWideDevices = 4;

/** What a run needs beside the texts and the options of the call. */
export interface BatchRunSettings<Text> extends Pick<BatchSourceOptions<Text>, "tokenize" | "lengthOf"> {
  /** The workers that share the texts. */
  readonly pools: readonly WorkerPool[];
  /** What the model says about the size of a batch: longest input in tokens, and what an export fixes. */
  readonly model: Pick<CompiledModel, "maxTokens" | "mostTexts" | "fixedLength">;
  /** Tokens at the start of each text that pooling leaves out. */
  readonly skippedTokens: number;
  /** Ids whose weights are left out, in models that give a weight per token. */
  readonly unusedIds: readonly number[];
  /** True once nobody waits for the rows any more. */
  readonly hasEnded: () => boolean;
}

/**
 * The batches of one window of a call, from its texts to their rows.
 *
 * ```
 *  texts ─▶ BatchSource ─ batch ─▶ lane ─ packed ids ─▶ worker
 *           tokenizes ahead,       two per worker         │
 *           sorts by length          ◀── rows ────────────┘
 *                                    │
 *                                    ▼
 *                                rows of batches, in the order in which they are done
 * ```
 *
 * Each lane takes a batch, waits for its rows, and takes the next one. So a worker always has a batch that waits behind the one
 * that runs, and several calls get their turns.
 */
export class BatchRun<Text> {
  private readonly window: EmbedWindow<Text>;
  private readonly call: EmbedCall;
  private readonly settings: BatchRunSettings<Text>;
  private readonly source: BatchSource<Text>;
  private readonly pools: SharedPools<WorkerPool>;
  private readonly shares: WorkShares<WorkerPool>;
  private readonly batches: (readonly number[])[] = [];
  private readonly rows: EncodedRows[] = [];
  /** True after a failure or an abort: nothing new is begun, and no progress is told. */
  private isOver = false;

  constructor(window: EmbedWindow<Text>, call: EmbedCall, settings: BatchRunSettings<Text>) {
    const { pools, tokenize, lengthOf } = settings;
    this.window = window;
    this.call = call;
    this.settings = settings;
    this.pools = new SharedPools(pools);
    this.shares = new WorkShares(window.texts.length, ({ device }) => device.kind === "cpu");
    this.source = new BatchSource(window.texts, {
      tokenize,
      lengthOf,
      chunkSize: call.chunkSize,
      lookahead: batchesPerWorker * pools.reduce((sum, { workers }) => sum + workers, 0),
      tokenizing: pools.every(({ device }) => device.kind === "cpu") ? 1 : blocksForWideDevices,
    });
  }

  /**
   * Runs all batches, once.
   * @throws SparseEncoderError `WORKER_FAILED`, `MODEL_INVALID`, `TOKENIZER_INVALID`, `CLOSED`, `ABORTED`
   */
  async complete(): Promise<BatchedRows> {
    const lanes = this.settings.pools.flatMap((pool) =>
      Array.from({ length: batchesPerWorker * pool.workers }, () => this.serve(pool)),
    );
    try {
      // Batches of this call that wait behind batches of other calls are not waited for.
      await unlessAborted(this.call.signal, Promise.all(lanes));
    } finally {
      this.isOver = true;
      this.source.end();
    }
    return { texts: this.window.texts.length, batches: this.batches, rows: this.rows };
  }

  /** One lane: batch after batch for one pool, until there are no more or the device of the pool is lost. */
  private async serve(pool: WorkerPool): Promise<void> {
    const { batchSize } = this.call;
    const { mostTexts } = this.settings.model;
    const size = mostTexts === undefined ? batchSize : Math.min(batchSize ?? mostTexts, mostTexts);
    const limits = batchLimits(pool.device, size);
    for (;;) {
      await this.shares.turnOf(pool);
      const unit = this.pools.works(pool) ? await this.source.next(limits) : undefined;
      if (unit === undefined) return;
      this.shares.took(
        pool,
        unit.reduce((sum, { positions }) => sum + positions.length, 0),
      );
      const alone = this.source.isOnly(unit) && pool.idle;
      for (const batch of unit) await this.run(pool, batch, alone);
    }
  }

  /** @param alone true if nothing else is to run at the same time */
  private async run(pool: WorkerPool, batch: PlannedBatch, alone: boolean): Promise<void> {
    const packed = (device: Device) => this.pack(batch, device, alone);
    const rows = await this.pools.run(pool, packed, this.isWanted).catch((error: unknown) => {
      throw located(error, batch.positions, this.window.first);
    });
    this.shares.did(pool, batch.positions.length);
    if (!this.pools.works(pool)) this.shares.drop(pool);
    throwIfAborted(this.call.signal);
    if (!this.isWanted()) throw new SparseEncoderError("ABORTED", "The call has ended.");
    this.batches.push(batch.positions);
    this.rows.push(rows);
    this.call.onTexts(countTexts(batch.ids, batch.cutTexts));
  }

  /** A batch as it goes to a worker: padded on the right with id 0, which is masked and thus without effect. */
  private pack({ ids: rows, typeStarts }: PlannedBatch, device: Device, alone: boolean): EncodeBatch {
    const { model, skippedTokens, unusedIds } = this.settings;
    const longest = rows.reduce((most, row) => Math.max(most, row.length), 1);
    const width = model.fixedLength ?? batchWidth(device, longest, model.maxTokens);
    const ids = new Int32Array(rows.length * width);
    const lengths = new Int32Array(rows.length);
    rows.forEach((row, number) => {
      ids.set(row, number * width);
      lengths[number] = row.length;
    });
    const { maxActiveDims } = this.call;
    const starts = Int32Array.from(typeStarts);
    return { ids, lengths, typeStarts: starts, unusedIds, maxActiveDims, skippedTokens, alone };
  }

  private readonly isWanted = (): boolean =>
    !this.isOver && !this.settings.hasEnded() && this.call.signal?.aborted !== true;
}

/** Says which texts were in the batch that failed. */
function located(error: unknown, positions: readonly number[], first: number): unknown {
  if (!SparseEncoderError.is(error, "WORKER_FAILED")) return error;
  const shown = positions.slice(0, 8).map((position) => first + position);
  const more = positions.length > shown.length ? ", …" : "";
  return new BatchFailure(
    `${error.message} The batch held the texts at positions ${shown.join(", ")}${more}.`,
    first + positions.reduce((least, position) => Math.min(least, position)),
    error.cause,
  );
}
