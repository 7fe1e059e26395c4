import { throwIfAborted, unlessAborted } from "../../calls/index.ts";
import { received, SparseEncoderError } from "../../errors.ts";
import type { CompiledModel } from "../../graph/index.ts";
import type { TaskLengths, Tokenizer, TransformerModule } from "../../model/index.ts";
import {
  batchLimits,
  batchWidth,
  coreShare,
  type Device,
  type EncodedRows,
  WorkerPool,
} from "../../runtime/index.ts";
import { BatchSource, type PlannedBatch } from "./batch-source.ts";
import {
  BatchFailure,
  type EmbedCall,
  type Embedder,
  type EmbedWindow,
  type EncodeTask,
} from "./embedder.ts";
import { SharedPools } from "./shared-pools.ts";

/** How many batches a call keeps with the pool for each worker: one that runs, one that waits its turn. */
const batchesPerWorker = 2;

/** Blocks of texts that are tokenized at once for devices that take texts faster than one thread tokenizes them. */
const blocksForWideDevices = 4;

/** Makes a matrix of the rows of batches: batch n holds the texts at positions `batches[n]`. */
export type AssembleRows<Matrix> = (
  texts: number,
  batches: readonly (readonly number[])[],
  results: readonly EncodedRows[],
) => Matrix;

/** From texts to rows by inference: tokenizer, batch plan, workers, and back into the order of the texts. */
export class InferenceEmbedder<Matrix> implements Embedder<Matrix> {
  readonly tokenizer: Tokenizer;
  readonly longestInput: number;
  readonly specialTokens: boolean;
  maxSeqLength: number;
  /** Lengths that the model names for tasks, which come before `maxSeqLength`. */
  private readonly taskLengths: TaskLengths;
  /** The workers that serve calls without a pool of their own. */
  readonly own: WorkerPool;
  private readonly model: CompiledModel;
  private readonly assemble: AssembleRows<Matrix>;

  constructor(
    model: CompiledModel,
    tokenizer: Tokenizer,
    own: WorkerPool,
    { maxSeqLength, specialTokens, taskLengths }: TransformerModule,
    assemble: AssembleRows<Matrix>,
  ) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.own = own;
    this.longestInput = model.maxTokens;
    this.specialTokens = specialTokens;
    this.taskLengths = taskLengths;
    this.maxSeqLength = Math.min(maxSeqLength ?? model.maxTokens, model.maxTokens);
    this.assemble = assemble;
  }

  get workers(): number {
    return this.own.workers;
  }

  /** Devices that are named several times get as many workers, which share the cores of this process. */
  async startWorkers(devices: readonly Device[]): Promise<readonly WorkerPool[]> {
    const names = [...new Set(devices.map(({ name }) => name))];
    const groups = names.map((name) => devices.filter((device) => device.name === name));
    const onCpu = devices.filter((device) => device.kind === "cpu").length;
    const threads = Math.max(1, Math.floor(coreShare() / Math.max(1, onCpu)));
    const starting = groups.map((group) =>
      WorkerPool.start(this.model, { device: group[0]!, workers: group.length, threads, eager: true }),
    );
    try {
      return await Promise.all(starting);
    } catch (error) {
      const started = await Promise.allSettled(starting);
      await Promise.all(started.map((pool) => pool.status === "fulfilled" && pool.value.close()));
      throw error;
    }
  }

  async embed({ texts, first }: EmbedWindow, call: EmbedCall, ended = () => false): Promise<Matrix> {
    const pools = call.pool?.workersOf(this) ?? [this.own];
    const workers = pools.reduce((sum, pool) => sum + pool.workers, 0);
    const skippedTokens = await this.promptTokens(call.prompt);
    const source = new BatchSource(texts, {
      tokenize: (part) => this.tokenize(part, call),
      chunkSize: call.chunkSize,
      lookahead: batchesPerWorker * workers,
      tokenizing: pools.every(({ device }) => device.kind === "cpu") ? 1 : blocksForWideDevices,
    });
    const batches: (readonly number[])[] = [];
    const results: EncodedRows[] = [];
    const shared = new SharedPools(pools);
    let over = false;
    const isWanted = () => !over && !ended() && call.signal?.aborted !== true;
    const serve = async (pool: WorkerPool) => {
      const limits = batchLimits(pool.device, call.batchSize);
      const next = () => (shared.works(pool) ? source.next(limits) : undefined);
      for (let unit = await next(); unit !== undefined; unit = await next()) {
        const alone = source.isOnly(unit) && pool.idle;
        for (const batch of unit) {
          const { maxActiveDims } = call;
          const packed = (device: Device) => {
            return { ...pack(batch, device, this.model.maxTokens), maxActiveDims, skippedTokens, alone };
          };
          const rows = await shared.run(pool, packed, isWanted).catch((error: unknown) => {
            throw located(error, batch.positions, first);
          });
          throwIfAborted(call.signal);
          if (over || ended()) throw new SparseEncoderError("ABORTED", "The call has ended.");
          batches.push(batch.positions);
          results.push(rows);
          call.onTexts(batch.positions.length);
        }
      }
    };
    try {
      const serving = Promise.all(
        pools.flatMap((pool) => Array.from({ length: batchesPerWorker * pool.workers }, () => serve(pool))),
      );
      // Batches of this call that wait behind those of others are not waited for.
      await unlessAborted(call.signal, serving);
    } finally {
      // After a failure: nothing new is begun, and no progress is told.
      over = true;
      source.end();
    }
    return this.assemble(texts.length, batches, results);
  }

  close(): Promise<void> {
    return this.own.close();
  }

  destroy(): Promise<void> {
    return this.own.destroy();
  }

  private async tokenize(texts: readonly string[], call: EmbedCall): Promise<Int32Array[]> {
    const prompted = call.prompt === "" ? texts : texts.map((text) => call.prompt + text);
    const ids = await this.tokenizer.encode(prompted, this.lengthOf(call.task), {
      specialTokens: this.specialTokens,
    });
    throwIfAborted(call.signal);
    this.checkIds(ids);
    return ids;
  }

  /** Longest input in tokens of a task. */
  lengthOf(task: EncodeTask): number {
    const length = this.taskLengths[task];
    return length === undefined ? this.maxSeqLength : Math.min(length, this.longestInput);
  }

  /** In models whose pooling leaves out the prompt: its tokens and the special ones before it. */
  private async promptTokens(prompt: string): Promise<number> {
    if (prompt === "" || this.model.poolsPrompt) return 0;
    const { specialTokens } = this;
    const [frame, ids] = await this.tokenizer.encode(["", prompt], this.longestInput, { specialTokens });
    return specialTokens && ids!.at(-1) === frame!.at(-1) ? ids!.length - 1 : ids!.length;
  }

  /** An id beyond the embedding table would fail deep inside a worker. */
  private checkIds(rows: readonly Int32Array[]): void {
    for (const row of rows) {
      for (const id of row) {
        // Ids of 2^31 and more are negative here.
        if (id >= 0 && id < this.model.vocabularySize) continue;
        throw new SparseEncoderError(
          "TOKENIZER_INVALID",
          `A text has the token ${received(this.tokenizer.pieceOf(id) ?? "")} with id ${id}, but the model knows ids from 0 to ${this.model.vocabularySize - 1} only. Leave the token out, or load a model whose embeddings were resized for it.`,
        );
      }
    }
  }
}

/** One batch as it goes to a worker: padded on the right with id 0, which is masked and thus without effect. */
function pack(
  { ids }: PlannedBatch,
  device: Device,
  maxTokens: number,
): { ids: Int32Array; lengths: Int32Array } {
  const longest = ids.reduce((most, row) => Math.max(most, row.length), 1);
  const width = batchWidth(device, longest, maxTokens);
  const padded = new Int32Array(ids.length * width);
  const lengths = new Int32Array(ids.length);
  ids.forEach((row, number) => {
    padded.set(row, number * width);
    lengths[number] = row.length;
  });
  return { ids: padded, lengths };
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
