import { CallsUnderWay, mapInParallel, throwIfAborted } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { answerNeighbours } from "../../options/index.ts";
import type { SimilarityFunction } from "../../vector/index.ts";
import { CallProgress } from "../embedding/call-progress.ts";
import type { EncodeTask } from "../embedding/row-embedder.ts";
import { windowsOf } from "../embedding/text-windows.ts";
import { checkTexts, type StreamOptions } from "../encode-options.ts";
import { inOrder } from "./ordered-windows.ts";
import { invalidAnswer } from "./remote-failure.ts";
import type { CheckedRemoteCall, RemoteEncodeOptions } from "./remote-options.ts";
import type { FieldsFor, RemotePool } from "./remote-pool.ts";
import type { ServerDescription, ServerModel } from "./server-description.ts";
import { batchesOf, type TextBatch } from "./text-batches.ts";

/** Options of one call, checked; the encoder of the call adds what it asks for and what it makes of a row. */
export interface RemoteRequest<Vector> extends CheckedRemoteCall {
  /** Fields of a request beside the texts and the prompt. */
  fields(server: ServerDescription): Readonly<Record<string, unknown>>;
  /** The vector of a row, as the server gave it; throws if it is none. */
  vectorOf(row: unknown): Vector;
}

/** What a remote encoder is, for a person who wonders why something looks wrong. */
export interface RemoteDescription {
  /** Addresses of the servers, without credentials. */
  readonly servers: readonly string[];
  /** The model, as the server names it; undefined if it does not. */
  readonly model: string | undefined;
  /** Width of an embedding. */
  readonly dimension: number;
  /** Longest input in tokens; undefined if the server does not tell it. */
  readonly maxSeqLength: number | undefined;
  /** Most texts of a request. */
  readonly batchSize: number;
}

/** What remote encoders of sparse and of dense vectors share: the encode methods of an encoder, over servers. */
export abstract class RemoteEncoder<Vector, Matrix, Options extends RemoteEncodeOptions>
  implements AsyncDisposable
{
  static {
    answerNeighbours(RemoteEncoder.prototype, {
      startPool: "open([url, url])",
      tokenize: "SparseEncoder.tokenize(), as the tokenizer is on the server",
      splitText: "SparseEncoder.splitText(), as the tokenizer is on the server",
      save: "downloadModel(), as the model is on the server",
      dispose: "close()",
      destroy: "close(), and a signal for calls under way",
    });
  }

  /** Width of an embedding. */
  readonly embeddingDimension: number;
  /** The function that `similarity` uses. */
  readonly similarityFunction: SimilarityFunction;
  /** Prompts of the server's model by name; none for a server that does not tell them. */
  readonly prompts: Readonly<Record<string, string>>;
  protected readonly pool: RemotePool;
  private readonly model: ServerModel;
  private readonly calls = new CallsUnderWay();
  private closed = false;

  /** @param fallback the similarity function where neither the caller nor the server names one */
  protected constructor(
    pool: RemotePool,
    model: ServerModel,
    dimension: number,
    fallback: SimilarityFunction,
  ) {
    this.pool = pool;
    this.model = model;
    this.embeddingDimension = dimension;
    this.similarityFunction = pool.options.similarity ?? model.similarity ?? fallback;
    this.prompts = model.prompts ?? {};
  }

  /**
   * Embeds one text or many on the server: a vector, or a matrix in the order of the texts. Texts longer than the model takes
   * are cut.
   *
   * @throws SparseEncoderError `NETWORK`, `TIMEOUT`, `REMOTE_REFUSED`, `REMOTE_INVALID`, `INVALID_TEXT`,
   *   `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`
   */
  encode(text: string, options?: Options): Promise<Vector>;
  encode(texts: readonly string[], options?: Options): Promise<Matrix>;
  encode(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encode(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.calls.track(this.encodeAs("encode", "plain", input, options));
  }

  /** As `encode`, for search queries. */
  encodeQuery(text: string, options?: Options): Promise<Vector>;
  encodeQuery(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.calls.track(this.encodeAs("encodeQuery", "query", input, options));
  }

  /** As `encode`, for documents to be searched. */
  encodeDocument(text: string, options?: Options): Promise<Vector>;
  encodeDocument(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.calls.track(this.encodeAs("encodeDocument", "document", input, options));
  }

  /**
   * Embeds texts as they come, one vector per text, in order: as `encode` does, or with `task` as `encodeQuery` or
   * `encodeDocument`. Takes any iterable, Node and web streams of strings included. The source is read no further ahead than the
   * requests that may be under way. If a text, its request or the source fails, the vectors of all texts before come first. Leaving the
   * loop ends the requests and closes the source.
   */
  async *encodeStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: Options & StreamOptions,
  ): AsyncGenerator<Vector, void, undefined> {
    this.checkOpen();
    const request = this.checkOptions("encodeStream", options, true);
    const { signal, batchSize = this.pool.batchSize, task = "plain" } = request;
    throwIfAborted(signal);
    const progress = new CallProgress(undefined, request.onProgress);
    const windows = windowsOf("encodeStream", texts, batchSize, signal);
    const work = async ({ texts: window, first }: TextBatch, stop: AbortSignal) => {
      this.checkOpen();
      const rows: Vector[] = [];
      const size = { texts: batchSize, bytes: this.pool.batchBytes };
      for (const batch of batchesOf(window, size, first)) {
        rows.push(...(await this.calls.track(this.send(task, batch, request, progress, stop))));
      }
      return rows;
    };
    for await (const rows of inOrder(windows, this.pool.slots, work, signal)) {
      for (const row of rows) {
        yield row;
        throwIfAborted(signal);
      }
    }
  }

  /** Longest input in tokens; undefined if the server does not tell it. */
  get maxSeqLength(): number | undefined {
    return this.model.maxSeqLength;
  }

  /** What this encoder is. The first thing to print when something looks wrong. */
  describe(): RemoteDescription {
    const { urls: servers, batchSize } = this.pool;
    const { name: model, maxSeqLength } = this.model;
    return { servers, model, dimension: this.embeddingDimension, maxSeqLength, batchSize };
  }

  /** Refuses further calls, waits for those under way, and ends the connections. */
  async close(): Promise<void> {
    this.closed = true;
    await this.calls.settled();
    this.pool.close();
  }

  /** Closes the encoder: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws SparseEncoderError `UNKNOWN_OPTION`, `INVALID_ARGUMENT` */
  protected abstract checkOptions(call: string, options: unknown, takesTask: boolean): RemoteRequest<Vector>;

  protected abstract stack(rows: readonly Vector[]): Matrix;

  /** @throws SparseEncoderError `CLOSED` */
  protected checkOpen(): void {
    if (this.closed)
      throw new SparseEncoderError("CLOSED", "The encoder was closed; open it again to go on.");
  }

  private async encodeAs(
    call: string,
    task: EncodeTask,
    input: string | readonly string[],
    given: Options | undefined,
  ): Promise<Vector | Matrix> {
    this.checkOpen();
    const isSingle = typeof input === "string";
    // The caller may change the array meanwhile.
    const texts: unknown = isSingle ? [input] : Array.isArray(input) ? [...input] : input;
    checkTexts(call, texts);
    const request = this.checkOptions(call, given, false);
    const { batchSize = this.pool.batchSize, signal, onProgress } = request;
    throwIfAborted(signal);
    const progress = new CallProgress(texts.length, onProgress);
    const rows = await mapInParallel(
      [...batchesOf(texts, { texts: batchSize, bytes: this.pool.batchBytes })],
      this.pool.slots,
      (batch, _, stop) => this.send(task, batch, request, progress, stop),
      signal,
    );
    const all = rows.flat();
    return isSingle ? all[0]! : this.stack(all);
  }

  private async send(
    task: EncodeTask,
    { texts, first }: TextBatch,
    request: RemoteRequest<Vector>,
    progress: CallProgress,
    signal: AbortSignal,
  ): Promise<Vector[]> {
    const { rows, address } = await this.pool.embed(texts, this.fieldsOf(task, request), signal);
    const vectors = rows.map((row, place) => {
      try {
        return request.vectorOf(row);
      } catch (cause) {
        const text = `the text at position ${first + place}`;
        throw invalidAnswer(address, `not an embedding for ${text}: ${(cause as Error).message}`, cause);
      }
    });
    progress.add({ texts: texts.length, cutTexts: 0, tokens: 0 });
    return vectors;
  }

  private fieldsOf(task: EncodeTask, request: RemoteRequest<Vector>): FieldsFor {
    const { queryPromptName, documentPromptName } = this.pool.options;
    const own = { plain: undefined, query: queryPromptName, document: documentPromptName };
    const { prompt, promptName = own[task] } = request;
    return (server, texts) => ({
      // Servers that do not know it pass it over.
      task,
      ...(prompt === undefined && promptName !== undefined && { prompt_name: promptName }),
      ...(prompt !== undefined && server.isOurs && { prompt }),
      ...(prompt !== undefined && !server.isOurs && { inputs: texts.map((text) => prompt + text) }),
      ...request.fields(server),
    });
  }
}
