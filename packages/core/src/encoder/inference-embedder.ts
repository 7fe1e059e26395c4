import { SparseEncoderError, throwIfAborted } from "../errors.ts";
import type { CompiledModel } from "../graph/index.ts";
import type { Tokenizer } from "../model/index.ts";
import { defaultBatchTokens, type EncodedRows, planBatches, type WorkerPool } from "../runtime/index.ts";
import type { EmbedCall, Embedder } from "./embedder.ts";

/** How many batches a call keeps with the pool for each worker: one that runs, one that waits its turn. */
const batchesPerWorker = 2;

/** Makes a matrix of the rows of batches: batch n holds the texts at positions `batches[n]`. */
export type AssembleRows<Matrix> = (
  texts: number,
  batches: readonly (readonly number[])[],
  results: readonly EncodedRows[],
) => Matrix;

/** From texts to rows by inference: tokenizer, batch plan, worker pool, and back into the order of the texts. */
export class InferenceEmbedder<Matrix> implements Embedder<Matrix> {
  readonly tokenizer: Tokenizer;
  readonly longestInput: number;
  readonly specialTokens = true;
  maxSeqLength: number;
  private readonly model: CompiledModel;
  private readonly pool: WorkerPool;
  private readonly assemble: AssembleRows<Matrix>;

  constructor(
    model: CompiledModel,
    tokenizer: Tokenizer,
    pool: WorkerPool,
    maxSeqLength: number | undefined,
    assemble: AssembleRows<Matrix>,
  ) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.pool = pool;
    this.longestInput = model.maxTokens;
    this.maxSeqLength = Math.min(maxSeqLength ?? model.maxTokens, model.maxTokens);
    this.assemble = assemble;
  }

  async embed(texts: readonly string[], call: EmbedCall, ended = () => false): Promise<Matrix> {
    const prompted = call.prompt === "" ? texts : texts.map((text) => call.prompt + text);
    const ids = await this.tokenizer.encode(prompted, this.maxSeqLength);
    const skippedTokens = await this.promptTokens(call.prompt);
    throwIfAborted(call.signal);
    this.checkIds(ids);
    const counts = ids.map((row) => row.length);
    const batches = planBatches(counts, { batchSize: call.batchSize, tokens: defaultBatchTokens });
    const results = new Array<EncodedRows>(batches.length);
    let next = 0;
    const takeBatches = async () => {
      while (next < batches.length) {
        const number = next++;
        const batch = batches[number]!;
        const { maxActiveDims } = call;
        results[number] = await this.pool.run(() => ({ ...pack(batch, ids), maxActiveDims, skippedTokens }));
        throwIfAborted(call.signal);
        if (ended()) throw new SparseEncoderError("ABORTED", "The call has ended.");
        call.onTexts(batch.length);
      }
    };
    const takers = Array.from({ length: batchesPerWorker * this.pool.workers }, takeBatches);
    try {
      await Promise.all(takers);
    } finally {
      // After a failure: nothing new is begun.
      next = batches.length;
    }
    return this.assemble(texts.length, batches, results);
  }

  /** In models whose pooling leaves out the prompt: its tokens and the special ones before it. */
  private async promptTokens(prompt: string): Promise<number> {
    if (prompt === "" || this.model.poolsPrompt) return 0;
    const [frame, ids] = await this.tokenizer.encode(["", prompt], this.longestInput);
    return ids!.at(-1) === frame!.at(-1) ? ids!.length - 1 : ids!.length;
  }

  /** An id beyond the embedding table would fail deep inside a worker. */
  private checkIds(rows: readonly Int32Array[]): void {
    for (const row of rows) {
      for (const id of row) {
        if (id < this.model.vocabularySize) continue;
        throw new SparseEncoderError(
          "TOKENIZER_INVALID",
          `The tokenizer gives id ${id}, but the model knows ${this.model.vocabularySize} ids; the tokenizer belongs to another model.`,
        );
      }
    }
  }
}

/** One batch as it goes to a worker: padded on the right with id 0, which is masked and thus without effect. */
function pack(
  batch: readonly number[],
  ids: readonly Int32Array[],
): { ids: Int32Array; lengths: Int32Array } {
  let width = 1;
  for (const position of batch) width = Math.max(width, ids[position]!.length);
  const padded = new Int32Array(batch.length * width);
  const lengths = new Int32Array(batch.length);
  batch.forEach((position, row) => {
    padded.set(ids[position]!, row * width);
    lengths[row] = ids[position]!.length;
  });
  return { ids: padded, lengths };
}
