import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { answerNeighbours } from "../options/index.ts";
import { CallProgress } from "./embedding/call-progress.ts";
import { embedWindows } from "./embedding/embedded-windows.ts";
import type { EmbedCall, EncodeTask, TextCounts } from "./embedding/row-embedder.ts";
import { windowsOf } from "./embedding/text-windows.ts";
import {
  checkTexts,
  choosePrompt,
  type EncodeOptions,
  type EncodeRequest,
  type EncodeStatistics,
  parseDevices,
  type StreamOptions,
} from "./encode-options.ts";
import type { EncoderPool } from "./encoder-pool.ts";
import { LoadedEncoder } from "./loaded-encoder.ts";

/** Texts of a stream that are sorted by length and batched together, for each worker. */
const streamWindowSize = 256;

/**
 * The encode methods of encoders of sparse and of dense vectors. Any number of calls may be under way at once; inference runs
 * in worker threads, so the event loop stays free.
 */
export abstract class Encoder<
  Vector extends object,
  Matrix extends Iterable<Vector> & { row(position: number): Vector },
  Options extends EncodeOptions,
> extends LoadedEncoder<Matrix> {
  static {
    answerNeighbours(Encoder.prototype, {
      embed: "encodeDocument(texts), or encodeStream(texts) for vectors one by one",
      passageEmbed: "encodeDocument(texts)",
      queryEmbed: "encodeQuery(text)",
      embedDocument: "encodeDocument(text)",
      encodeQueries: "encodeQuery(texts)",
      encodeDocuments: "encodeDocument(texts)",
      encodeCorpus: "encodeDocument(texts)",
      encodeMultiProcess: "encode(texts, { pool })",
    });
  }

  /** What the calls did that returned these embeddings. */
  private readonly statistics = new WeakMap<object, EncodeStatistics>();

  /**
   * Embeds one text or many: a vector, or a matrix of shape [texts, dimension] in the order of the texts. Texts longer
   * than `maxSeqLength` tokens are cut. Uses the default prompt of the model, if any.
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

  /** As `encode`, for search queries: uses the prompt named `query`. */
  encodeQuery(text: string, options?: Options): Promise<Vector>;
  encodeQuery(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encodeQuery", "query", input, options);
  }

  /** As `encode`, for documents to be searched: uses the prompt named `document`. */
  encodeDocument(text: string, options?: Options): Promise<Vector>;
  encodeDocument(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encodeDocument", "document", input, options);
  }

  /**
   * Embeds texts as they come, one vector per text, in order: as `encode` does, or with `task` as
   * `encodeQuery` or `encodeDocument`. Takes any iterable, Node and web streams of strings
   * included. Memory is bounded by two windows of 256 texts per worker, and the source is read no faster than the vectors are
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

  /**
   * Checks the options of an encode method.
   * @param takesTask true for `encodeStream`, which takes `StreamOptions` too
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
    const ownPool = device === undefined ? undefined : await this.pools.open(parseDevices(device));
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
}
