import { aborted, SparseEncoderError, throwIfAborted } from "../errors.ts";
import type { Tokenizer } from "../model/index.ts";
import { defaultBatchTokens, type EncodedRows, planBatches, type WorkerPool } from "../runtime/index.ts";
import { SparseMatrix, TRUSTED } from "../vector/index.ts";

/** Texts that are tokenized, sorted by length and batched together. */
export const windowSize = 4096;

/** How many batches a call keeps with the pool for each worker: one that runs, one that waits its turn. */
const batchesPerWorker = 2;

/** Everything one call needs, checked and complete. */
export interface EmbedCall {
  readonly prompt: string;
  readonly maxSeqLength: number;
  readonly batchSize: number;
  /** 0 for no limit. */
  readonly maxActiveDims: number;
  readonly signal: AbortSignal | undefined;
  /** Called with the number of texts of each finished batch. */
  readonly onTexts: (texts: number) => void;
}

/** From texts to sparse rows: tokenizer, batch plan, worker pool, and back into the order of the texts. */
export class TextEmbedder {
  private readonly tokenizer: Tokenizer;
  private readonly pool: WorkerPool;
  private readonly vocabularySize: number;
  private readonly dimension: number;

  constructor(tokenizer: Tokenizer, pool: WorkerPool, vocabularySize: number, dimension: number) {
    this.tokenizer = tokenizer;
    this.pool = pool;
    this.vocabularySize = vocabularySize;
    this.dimension = dimension;
  }

  /**
   * Embeds windows of texts, in order. The next window is worked on while the caller has the current one, and no
   * further: memory is bounded by two windows.
   */
  async *embedWindows(
    windows: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
    call: EmbedCall,
  ): AsyncGenerator<SparseMatrix> {
    let ahead: Promise<SparseMatrix> | undefined;
    for await (const texts of windows) {
      const current = ahead;
      ahead = this.embed(texts, call);
      // Whoever stops taking rows must not leave an unhandled rejection behind.
      ahead.catch(() => {});
      if (current !== undefined) yield await current;
    }
    if (ahead !== undefined) yield await ahead;
  }

  /** Embeds texts as one window. */
  async embed(texts: readonly string[], call: EmbedCall): Promise<SparseMatrix> {
    const prompted = call.prompt === "" ? texts : texts.map((text) => call.prompt + text);
    const ids = await this.tokenizer.encode(prompted, call.maxSeqLength);
    throwIfAborted(call.signal);
    this.checkIds(ids);
    const limits = { batchSize: call.batchSize, tokens: defaultBatchTokens };
    const batches = planBatches(
      ids.map((row) => row.length),
      limits,
    );
    const results = new Array<EncodedRows>(batches.length);
    let next = 0;
    const takeBatches = async () => {
      while (next < batches.length) {
        const number = next++;
        const batch = batches[number]!;
        try {
          results[number] = await this.pool.run(() => pack(batch, ids, call.maxActiveDims));
        } catch (error) {
          next = batches.length;
          throw error;
        }
        if (call.signal?.aborted === true) {
          next = batches.length;
          throw aborted(call.signal);
        }
        call.onTexts(batch.length);
      }
    };
    await Promise.all(Array.from({ length: batchesPerWorker * this.pool.workers }, takeBatches));
    return inOrder(texts.length, batches, results, this.dimension);
  }

  /** An id beyond the embedding table would fail deep inside a worker. */
  private checkIds(rows: readonly Int32Array[]): void {
    for (const row of rows) {
      for (const id of row) {
        if (id < this.vocabularySize) continue;
        throw new SparseEncoderError(
          "TOKENIZER_INVALID",
          `The tokenizer gives id ${id}, but the model knows ${this.vocabularySize} ids; tokenizer.json belongs to another model.`,
        );
      }
    }
  }
}

/** One batch as it goes to a worker: padded on the right with id 0, which is masked and thus without effect. */
function pack(batch: readonly number[], ids: readonly Int32Array[], maxActiveDims: number) {
  let width = 1;
  for (const position of batch) width = Math.max(width, ids[position]!.length);
  const padded = new Int32Array(batch.length * width);
  const lengths = new Int32Array(batch.length);
  batch.forEach((position, row) => {
    padded.set(ids[position]!, row * width);
    lengths[row] = ids[position]!.length;
  });
  return { ids: padded, lengths, maxActiveDims };
}

/** Puts the rows of all batches back into the order of the texts. */
function inOrder(
  texts: number,
  batches: readonly (readonly number[])[],
  results: readonly EncodedRows[],
  dimension: number,
): SparseMatrix {
  const offsets = new Uint32Array(texts + 1);
  batches.forEach((batch, number) => {
    const rows = results[number]!.offsets;
    batch.forEach((position, row) => {
      offsets[position + 1] = rows[row + 1]! - rows[row]!;
    });
  });
  for (let row = 0; row < texts; row++) offsets[row + 1]! += offsets[row]!;
  const indices = new Uint32Array(offsets[texts]!);
  const values = new Float32Array(indices.length);
  batches.forEach((batch, number) => {
    const rows = results[number]!;
    batch.forEach((position, row) => {
      const [from, to] = [rows.offsets[row]!, rows.offsets[row + 1]!];
      indices.set(rows.indices.subarray(from, to), offsets[position]!);
      values.set(rows.values.subarray(from, to), offsets[position]!);
    });
  });
  return new SparseMatrix(offsets, indices, values, dimension, TRUSTED);
}
