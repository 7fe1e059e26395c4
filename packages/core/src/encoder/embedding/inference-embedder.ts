import { throwIfAborted } from "../../calls/index.ts";
import { received, SparseEncoderError } from "../../errors.ts";
import type { CompiledModel } from "../../graph/index.ts";
import type {
  PairTruncation,
  TaskLengths,
  TextPair,
  TokenizedText,
  Tokenizer,
  TransformerModule,
} from "../../model/index.ts";
import { coreShare, type Device, leastWorkers, WorkerPool } from "../../runtime/index.ts";
import { BatchRun, type BatchRunSettings } from "./batch-run.ts";
import type { MatrixForm } from "./matrix-form.ts";
import type { EmbedCall, EmbedWindow, EncodeTask, RowEmbedder } from "./row-embedder.ts";

/** Tokens without lexical weight. Source: `_sparse_embedding` of FlagEmbedding's M3. */
const unweighedTokens = ["cls_token", "eos_token", "pad_token", "unk_token"] as const;

/** From texts to rows by inference: tokenizer, batch plan, workers, and back into the order of the texts. */
export class InferenceEmbedder<Matrix> implements RowEmbedder<Matrix> {
  readonly tokenizer: Tokenizer;
  readonly longestInput: number;
  readonly specialTokens: boolean;
  maxSeqLength: number;
  /** Which text of a pair is cut. */
  truncation: PairTruncation;
  /** Lengths that the model names for tasks, which come before `maxSeqLength`. */
  private readonly taskLengths: TaskLengths;
  readonly ownWorkers: WorkerPool;
  /** Ids whose weights are left out, in models that give a weight per token. */
  private readonly unusedIds: readonly number[];
  private readonly model: CompiledModel;
  private readonly form: MatrixForm<Matrix>;

  constructor(
    model: CompiledModel,
    tokenizer: Tokenizer,
    ownWorkers: WorkerPool,
    { maxSeqLength, specialTokens, taskLengths, truncation }: TransformerModule,
    form: MatrixForm<Matrix>,
  ) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.ownWorkers = ownWorkers;
    this.longestInput = model.maxTokens;
    this.specialTokens = specialTokens;
    this.taskLengths = taskLengths;
    this.truncation = truncation;
    this.maxSeqLength = Math.min(maxSeqLength ?? model.maxTokens, model.maxTokens);
    this.form = form;
    this.unusedIds = model.tokenWeights === undefined ? [] : tokenizer.idsNamed(unweighedTokens);
  }

  /**
   * A device that is named several times gets as many workers, which share the cores of this process; a graphics processor
   * has at least as many as keep it busy, and the CPU beside it leaves cores to them.
   */
  async startWorkers(devices: readonly Device[]): Promise<readonly WorkerPool[]> {
    const names = [...new Set(devices.map(({ name }) => name))];
    const groups = names.map((name) => {
      const group = devices.filter((device) => device.name === name);
      const [device] = group as [Device];
      return { device, workers: Math.max(group.length, leastWorkers(device)) };
    });
    const workersOn = (onCpu: boolean) =>
      groups.reduce((sum, { device, workers }) => sum + ((device.kind === "cpu") === onCpu ? workers : 0), 0);
    const cores = coreShare() - workersOn(false);
    const threads = Math.max(1, Math.floor(cores / Math.max(1, workersOn(true))));
    const starting = groups.map((group) => WorkerPool.start(this.model, { ...group, threads, eager: true }));
    try {
      return await Promise.all(starting);
    } catch (error) {
      const started = await Promise.allSettled(starting);
      await Promise.all(started.map((pool) => pool.status === "fulfilled" && pool.value.close()));
      throw error;
    }
  }

  async embed(window: EmbedWindow, call: EmbedCall, hasEnded = () => false): Promise<Matrix> {
    return this.run(window, call, {
      tokenize: (texts) => this.tokenize(texts, call),
      lengthOf: (text) => text.length,
      skippedTokens: await this.promptTokens(call.prompt),
      hasEnded,
    });
  }

  /** As {@link InferenceEmbedder.embed}, for pairs of texts. A prompt stands before the first text of each. */
  embedPairs(window: EmbedWindow<TextPair>, call: EmbedCall): Promise<Matrix> {
    return this.run(window, call, {
      tokenize: (pairs) => this.tokenizePairs(pairs, call),
      lengthOf: ([first, second]) => first.length + second.length,
      skippedTokens: 0,
      hasEnded: () => false,
    });
  }

  close(): Promise<void> {
    return this.ownWorkers.close();
  }

  destroy(): Promise<void> {
    return this.ownWorkers.destroy();
  }

  private async run<Text>(
    window: EmbedWindow<Text>,
    call: EmbedCall,
    settings: Omit<BatchRunSettings<Text>, "pools" | "model" | "unusedIds">,
  ): Promise<Matrix> {
    const pools = call.pool?.workersOf(this) ?? [this.ownWorkers];
    const run = new BatchRun(window, call, {
      ...settings,
      pools,
      model: this.model,
      unusedIds: this.unusedIds,
    });
    const { dimension, vocabularySize } = this.model;
    return this.form.assemble(await run.complete(), dimension, vocabularySize);
  }

  private async tokenizePairs(pairs: readonly TextPair[], { prompt, signal }: EmbedCall) {
    const prompted =
      prompt === "" ? pairs : pairs.map(([first, second]): TextPair => [prompt + first, second]);
    const { truncation } = this;
    const tokenized = await this.tokenizer.encodePairs(prompted, this.lengthOf("plain"), {
      truncation,
      signal,
    });
    throwIfAborted(signal);
    this.checkIds(tokenized);
    return tokenized;
  }

  private async tokenize(texts: readonly string[], call: EmbedCall): Promise<TokenizedText[]> {
    const prompted = call.prompt === "" ? texts : texts.map((text) => call.prompt + text);
    const { specialTokens } = this;
    const length = this.lengthOf(call.task);
    const tokenized = await this.tokenizer.tokenize(prompted, length, { specialTokens, signal: call.signal });
    throwIfAborted(call.signal);
    this.checkIds(tokenized);
    return tokenized;
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
  private checkIds(texts: readonly TokenizedText[]): void {
    for (const { ids } of texts) {
      for (const id of ids) {
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
