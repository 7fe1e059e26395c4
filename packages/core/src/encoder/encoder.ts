import { CallsUnderWay, throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { saveModel } from "../model/index.ts";
import { positiveInteger } from "../options/index.ts";
import { coreShare, type Device, sumLoads, type WorkerLoad } from "../runtime/index.ts";
import type { SimilarityFunction } from "../vector/index.ts";
import { CallProgress } from "./embedding/call-progress.ts";
import { embedWindows } from "./embedding/embedded-windows.ts";
import type { EmbedCall, EncodeTask, TextCounts } from "./embedding/row-embedder.ts";
import { type TextPiece, TextSplitter } from "./embedding/text-splitter.ts";
import { windowsOf } from "./embedding/text-windows.ts";
import {
  checkText,
  checkTexts,
  choosePrompt,
  type EncodeOptions,
  type EncodeRequest,
  type EncodeStatistics,
  parseDevices,
  promptNamed,
  type SplitOptions,
  type StreamOptions,
  splitOptions,
  tokenizeOptions,
} from "./encode-options.ts";
import { EncoderPool } from "./encoder-pool.ts";
import { deviceFailure } from "./loading/devices.ts";
import { describeModel, type EncoderDescription } from "./loading/encoder-description.ts";
import type { CheckedLoadOptions } from "./loading/load-options.ts";
import type { OpenModel } from "./loading/open-model.ts";

/** Texts of a stream that are sorted by length and batched together, for each worker. */
const streamWindowSize = 256;

/**
 * What encoders of sparse and of dense vectors share: loading, prompts, the encode methods, sequence length, closing.
 * Any number of calls may be under way at once; inference runs in a worker thread, so the event loop stays free.
 */
export abstract class Encoder<
  Vector extends object,
  Matrix extends Iterable<Vector> & { row(position: number): Vector },
  Options extends EncodeOptions,
> implements AsyncDisposable
{
  /** Width of an embedding. */
  readonly embeddingDimension: number;
  /** Prompts by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Name of the prompt that plain `encode` uses; undefined for none. */
  readonly defaultPromptName: string | undefined;
  protected readonly model: OpenModel<Matrix>;
  /** Encode calls under way. */
  private readonly calls = new CallsUnderWay();
  /** What the calls did that returned these embeddings. */
  private readonly statistics = new WeakMap<object, EncodeStatistics>();
  /** Pools that were started and not stopped. */
  private readonly pools = new Set<EncoderPool>();
  private closed = false;
  private destroyed = false;

  protected constructor(model: OpenModel<Matrix>, dimension: number, options: CheckedLoadOptions) {
    this.model = model;
    this.embeddingDimension = dimension;
    this.prompts = { ...model.description.prompts, ...options.prompts };
    this.defaultPromptName = options.defaultPromptName ?? model.description.defaultPromptName;
    if (this.defaultPromptName !== undefined) {
      promptNamed("defaultPromptName", this.defaultPromptName, this.prompts);
    }
    if (options.maxSeqLength !== undefined) this.maxSeqLength = options.maxSeqLength;
  }

  /**
   * Embeds one text or many: a vector, or a matrix of shape [texts, dimension] in the order of the texts. Texts longer
   * than {@link Encoder.maxSeqLength} tokens are cut. Uses the default prompt of the model, if any.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`,
   *   `WORKER_FAILED`
   */
  encode(text: string, options?: Options): Promise<Vector>;
  encode(texts: readonly string[], options?: Options): Promise<Matrix>;
  encode(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encode(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encode", "plain", input, options);
  }

  /** As {@link Encoder.encode}, for search queries: uses the prompt named `query`. */
  encodeQuery(text: string, options?: Options): Promise<Vector>;
  encodeQuery(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encodeQuery", "query", input, options);
  }

  /** As {@link Encoder.encode}, for documents to be searched: uses the prompt named `document`. */
  encodeDocument(text: string, options?: Options): Promise<Vector>;
  encodeDocument(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encodeDocument", "document", input, options);
  }

  /**
   * Embeds texts as they come, one vector a text, in order: as {@link Encoder.encode} does, or with `task` as
   * {@link Encoder.encodeQuery} or {@link Encoder.encodeDocument}. Takes any iterable, Node and web streams of strings
   * included. Memory is bounded by two windows of 256 texts a worker, and the source is read no faster than the vectors are
   * taken. If a text, its batch or the source fails, the vectors of all texts before come first. Leaving the loop closes the
   * source.
   */
  async *encodeStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: Options & StreamOptions,
  ): AsyncGenerator<Vector, void, undefined> {
    this.checkOpen();
    const request = this.checkOptions("encodeStream", options, true);
    const task = request.task ?? "plain";
    const { ownPool, call } = await this.begin(task, undefined, request);
    try {
      // A stream is not waited for: its devices may have been opened when all others were closed.
      this.checkOpen();
      const embedder = this.model.route(task);
      const workers = call.pool?.devices.length ?? embedder.ownWorkers?.workers ?? 0;
      const size = streamWindowSize * Math.max(1, workers);
      const windows = windowsOf("encodeStream", texts, size, call.signal);
      for await (const matrix of embedWindows(embedder, windows, call)) {
        for (const vector of request.finish(matrix)) {
          yield vector;
          // Vectors of a whole window are there already; an abort must not wait until they are taken.
          throwIfAborted(call.signal);
        }
      }
    } finally {
      await ownPool?.stop();
    }
  }

  /**
   * Token ids of each text as plain `encode` gives them to the model: with its prompt and special tokens, and cut to
   * {@link Encoder.maxSeqLength}.
   */
  async tokenize(
    texts: readonly string[],
    options?: Pick<EncodeOptions, "prompt" | "promptName">,
  ): Promise<Int32Array[]> {
    this.checkOpen();
    checkTexts("tokenize", texts);
    const named = tokenizeOptions.check("tokenize", options);
    const prompt = choosePrompt(named, this.prompts, this.defaultPromptName);
    const embedder = this.model.route("plain");
    const { tokenizer, specialTokens } = embedder;
    return tokenizer.encode(
      texts.map((text) => prompt + text),
      embedder.lengthOf("plain"),
      { specialTokens },
    );
  }

  /**
   * Splits a text into pieces that `encodeDocument` takes whole, behind blanks where there are some. Counts are exact: each piece
   * is tokenised by itself, with the prompt and the special tokens.
   *
   * @param options.maxTokens most tokens of a piece; default {@link Encoder.maxSeqLength}, or what the model names for documents
   * @param options.overlap most tokens that a piece repeats of the piece before; default 0
   * @returns pieces in their order, with their places in the text in UTF-16 units and without blanks around them; none for a
   *   blank text. `text.slice(piece.start, piece.end)` is `piece.text`
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`
   *
   * @example
   * const pieces = await encoder.splitText(article, { maxTokens: 256, overlap: 32 });
   * const embeddings = await encoder.encodeDocument(pieces.map(({ text }) => text));
   */
  async splitText(text: string, options?: SplitOptions): Promise<TextPiece[]> {
    this.checkOpen();
    checkText("splitText", text, 0);
    const { maxTokens, overlap, signal, ...named } = splitOptions.check("splitText", options);
    throwIfAborted(signal);
    const embedder = this.model.route("document");
    const { tokenizer, specialTokens } = embedder;
    const longest = Math.min(embedder.lengthOf("document"), embedder.longestInput);
    if (maxTokens !== undefined) positiveInteger("maxTokens", maxTokens, longest);
    const prompt = choosePrompt(named, this.prompts, "document");
    const settings = { tokenizer, specialTokens, prompt, maxTokens: maxTokens ?? longest, overlap, signal };
    return new TextSplitter(settings).split(text);
  }

  /**
   * How many texts and tokens an encode call embedded, and how many texts it had to cut.
   *
   * @param embeddings what `encode`, `encodeQuery` or `encodeDocument` of this encoder returned
   * @throws SparseEncoderError `INVALID_ARGUMENT` for anything else, such as rows or slices of it
   *
   * @example
   * const embeddings = await encoder.encodeDocument(texts);
   * encoder.statisticsOf(embeddings).cutTexts; // 3 texts were longer than maxSeqLength
   */
  statisticsOf(embeddings: Vector | Matrix): EncodeStatistics {
    const statistics =
      typeof embeddings === "object" && embeddings !== null ? this.statistics.get(embeddings) : undefined;
    if (statistics !== undefined) return statistics;
    throw invalidArgument(
      `statisticsOf: expected what an encode call of this encoder returned, received ${received(embeddings)}.`,
    );
  }

  /** Longest input in tokens, special tokens included; longer texts are cut. */
  get maxSeqLength(): number {
    return Math.max(...this.model.embedders.map((embedder) => embedder.maxSeqLength));
  }

  /** Applies to texts that are tokenized from now on. At most the number of positions that the model knows. */
  set maxSeqLength(length: number) {
    const { embedders } = this.model;
    positiveInteger("maxSeqLength", length, Math.min(...embedders.map((embedder) => embedder.longestInput)));
    const least = Math.max(...embedders.map(({ tokenizer }) => tokenizer.minimumLength));
    if (length < least) {
      throw invalidArgument(
        `maxSeqLength must be at least ${least}, the special tokens alone; received ${length}.`,
      );
    }
    for (const embedder of embedders) embedder.maxSeqLength = length;
  }

  /** What this encoder is: model, modules, weights, limits. The first thing to print when something looks wrong. */
  describe(): EncoderDescription {
    return describeModel(this.model, {
      dimension: this.embeddingDimension,
      maxSeqLength: this.maxSeqLength,
      prompts: this.prompts,
      defaultPromptName: this.defaultPromptName,
    });
  }

  /**
   * Starts a worker on each of the devices, each with a session of its own, for calls with the option `pool`. To be
   * stopped by {@link Encoder.stopPool}, `pool.stop()` or `await using`; closing the encoder stops it too.
   *
   * @param devices such as `["cuda:0", "cuda:1"]`; `cpu` n times gives n workers that share the cores. Default: `cpu` for
   *   each core that this process may use
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `DEVICE_UNAVAILABLE`, `WORKER_FAILED`, `CLOSED`
   */
  async startPool(
    devices: readonly string[] = new Array<string>(coreShare()).fill("cpu"),
  ): Promise<EncoderPool> {
    this.checkOpen();
    const pool = await this.openPool(parseDevices(devices));
    if (this.closed) {
      await pool.stop();
      this.checkOpen();
    }
    return pool;
  }

  /** Lets calls under way on a pool finish, then ends its workers. A stream under way ends with a `CLOSED` error. */
  async stopPool(pool: EncoderPool): Promise<void> {
    if (!(pool instanceof EncoderPool)) {
      throw invalidArgument(`stopPool: expected a pool that startPool gave, received ${received(pool)}.`);
    }
    await pool.stop();
  }

  /** How busy the encoder's own workers are now. Pools that were started beside them have a load of their own. */
  get workerLoad(): WorkerLoad {
    return sumLoads(this.model.ownWorkers);
  }

  /**
   * Writes a model folder that this library and sentence-transformers load, with the prompts, the similarity function and
   * the sequence length of this encoder. The weights are those the model was loaded from, also for an int8 encoder; a
   * limit on active dims has no place in the folder.
   *
   * @param folder a folder that does not exist or is empty
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `CACHE_UNWRITABLE`
   */
  async save(folder: string): Promise<void> {
    const { description } = this.model;
    await saveModel(description.folder, folder, {
      modelType: description.modelType,
      prompts: this.prompts,
      defaultPromptName: this.defaultPromptName,
      similarity: this.similarityFunction,
      maxSeqLength: this.maxSeqLength,
    });
  }

  /**
   * Lets calls under way finish, then frees model and worker. A stream under way ends with a `CLOSED` error. Calling it
   * again does nothing more.
   */
  async close(): Promise<void> {
    this.closed = true;
    // A call hands in its batches one after another, so none may be refused until all calls are done.
    await this.calls.settled();
    await Promise.all([...this.pools].map((pool) => pool.stop()));
    await this.model.close();
  }

  /**
   * Frees model and workers as soon as the batches that run are done, at most one batch's time; calls under way reject
   * with `CLOSED`.
   */
  async destroy(): Promise<void> {
    this.closed = true;
    this.destroyed = true;
    await Promise.all([...this.pools].map((pool) => pool.destroy()));
    await this.model.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** How two embeddings are compared. */
  abstract readonly similarityFunction: SimilarityFunction;

  /**
   * Checks the options of an encode method.
   * @param takesTask true for `encodeStream`, which takes {@link StreamOptions} too
   * @throws SparseEncoderError `UNKNOWN_OPTION`, `INVALID_ARGUMENT`
   */
  protected abstract checkOptions(call: string, options: unknown, takesTask: boolean): EncodeRequest<Matrix>;

  private encodeAs(
    call: string,
    task: EncodeTask,
    input: string | readonly string[],
    options: Options | undefined,
  ): Promise<Vector | Matrix> {
    return this.calls.track(this.encodeInput(call, task, input, options));
  }

  private async encodeInput(
    call: string,
    task: EncodeTask,
    input: string | readonly string[],
    options: Options | undefined,
  ): Promise<Vector | Matrix> {
    this.checkOpen();
    const single = typeof input === "string";
    const list = single ? [input] : input;
    checkTexts(call, list);
    const request = this.checkOptions(call, options, false);
    // The caller may change the array meanwhile.
    const encoding = this.encodeTexts(task, [...list], request);
    // In the same tick as the call, so that a pool that is stopped right behind it waits for it.
    const { matrix, statistics } = await (request.pool?.track(encoding) ?? encoding);
    const embeddings = single ? matrix.row(0) : matrix;
    this.statistics.set(embeddings, statistics);
    return embeddings;
  }

  private async encodeTexts(
    task: EncodeTask,
    texts: readonly string[],
    request: EncodeRequest<Matrix>,
  ): Promise<{ readonly matrix: Matrix; readonly statistics: EncodeStatistics }> {
    const { ownPool, call, progress } = await this.begin(task, texts.length, request);
    try {
      const matrix = request.finish(await this.model.route(task).embed({ texts, first: 0 }, call));
      return { matrix, statistics: progress.statistics };
    } finally {
      await ownPool?.stop();
    }
  }

  /** Makes an embedder's call of a request; with devices of its own it starts a pool, which is to be stopped in the end. */
  private async begin(
    task: EncodeTask,
    total: number | undefined,
    {
      batchSize,
      chunkSize,
      pool,
      device,
      maxActiveDims,
      signal,
      onProgress,
      ...named
    }: EncodeRequest<Matrix>,
  ): Promise<{
    readonly ownPool: EncoderPool | undefined;
    readonly call: EmbedCall;
    readonly progress: CallProgress;
  }> {
    throwIfAborted(signal);
    if (pool !== undefined && device !== undefined) {
      throw invalidArgument("Give a pool or devices, not both: a pool has its devices already.");
    }
    const fallback = task === "plain" ? this.defaultPromptName : task;
    const prompt = choosePrompt(named, this.prompts, fallback);
    pool?.check(this.model.embedders);
    const ownPool = device === undefined ? undefined : await this.openPool(parseDevices(device));
    const progress = new CallProgress(total, onProgress);
    const onTexts = (counts: TextCounts) => progress.add(counts);
    const call = {
      task,
      prompt,
      batchSize,
      chunkSize,
      pool: ownPool ?? pool,
      maxActiveDims,
      signal,
      onTexts,
    };
    return { ownPool, call, progress };
  }

  private async openPool(devices: readonly Device[]): Promise<EncoderPool> {
    const { embedders } = this.model;
    const opening = await Promise.allSettled(
      embedders.map(async (embedder) => [embedder, await embedder.startWorkers(devices)] as const),
    );
    const opened = opening.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const names = devices.map(({ name }) => name);
    const pool = new EncoderPool(names, new Map(opened), () => this.pools.delete(pool));
    this.pools.add(pool);
    const failed = opening.find((outcome) => outcome.status === "rejected");
    // A call that was under way when the encoder was closed gets its pool all the same.
    if (failed === undefined && !this.destroyed) return pool;
    await pool.stop();
    if (this.destroyed) this.checkOpen();
    throw await deviceFailure(failed!.reason, devices);
  }

  private checkOpen(): void {
    if (this.closed)
      throw new SparseEncoderError("CLOSED", "The encoder was closed; load it again to go on.");
  }
}
