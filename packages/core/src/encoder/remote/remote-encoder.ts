import { CallsUnderWay, mapInParallel } from "../../calls/index.ts";
import { invalidArgument, SparseEncoderError } from "../../errors.ts";
import { checkTexts } from "../encode-options.ts";
import { invalidAnswer, RemoteClient } from "./remote-client.ts";
import {
  parseServerUrl,
  type RemoteEncodeOptions,
  type RemoteEncoderOptions,
  remoteCallOptions,
  remoteOptions,
} from "./remote-options.ts";

/** What texts are: servers of this library use the prompt, and where a model has two, the modules, of that. */
type RemoteTask = "plain" | "query" | "document";

/** An opened server, and how it is used. */
export interface RemoteServer {
  readonly client: RemoteClient;
  readonly options: ReturnType<typeof remoteOptions.check>;
  /** What the server says of itself; an empty object if it says nothing. */
  readonly info: Readonly<Record<string, unknown>>;
  readonly batchSize: number;
}

/**
 * Asks a server for its description.
 * @throws SparseEncoderError as {@link RemoteClient.ask}, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
 */
export async function openServer(
  call: string,
  url: unknown,
  given: RemoteEncoderOptions,
): Promise<RemoteServer> {
  const options = remoteOptions.check(call, given);
  const client = new RemoteClient(parseServerUrl(call, url), options);
  const answer = await client.ask("info", undefined, options.signal);
  if (typeof answer !== "object" || answer === null) {
    throw invalidAnswer(new URL("info", client.url), "not a description of a server");
  }
  const info = answer as Record<string, unknown>;
  const most = info.max_client_batch_size;
  const batchSize =
    typeof most === "number" && most >= 1 ? Math.min(most, options.batchSize) : options.batchSize;
  return { client, options, info, batchSize };
}

/** The width of embeddings: what the caller says, else what the server says. */
export function dimensionOf(call: string, { options, info, client }: RemoteServer, name: string): number {
  const told = info[name];
  const isTold = typeof told === "number" && Number.isInteger(told) && told > 0;
  if (options.dimension !== undefined) {
    if (isTold && told !== options.dimension) {
      throw invalidArgument(
        `${call}: dimension is ${options.dimension}, but ${client.url.origin} has a model of ${told}.`,
      );
    }
    return options.dimension;
  }
  if (isTold) return told;
  throw invalidArgument(
    `${call}: ${client.url.origin} does not tell how wide its embeddings are; give the option dimension, for BERT models 30522.`,
  );
}

/** What remote encoders of sparse and of dense vectors share. */
export abstract class RemoteEncoder<Vector, Matrix extends { row(position: number): Vector }>
  implements AsyncDisposable
{
  /** Width of an embedding. */
  readonly embeddingDimension: number;
  protected readonly server: RemoteServer;
  private readonly path: string;
  private readonly calls = new CallsUnderWay();
  private closed = false;

  protected constructor(server: RemoteServer, path: string, dimension: number) {
    this.server = server;
    this.path = path;
    this.embeddingDimension = dimension;
  }

  /**
   * Embeds one text or many on the server: a vector, or a matrix in the order of the texts. Texts longer than the model takes
   * are cut.
   *
   * @throws SparseEncoderError `NETWORK`, `TIMEOUT`, `REMOTE_REFUSED`, `REMOTE_INVALID`, `INVALID_TEXT`,
   *   `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`
   */
  encode(text: string, options?: RemoteEncodeOptions): Promise<Vector>;
  encode(texts: readonly string[], options?: RemoteEncodeOptions): Promise<Matrix>;
  encode(input: string | readonly string[], options?: RemoteEncodeOptions): Promise<Vector | Matrix> {
    return this.calls.track(this.encodeAs("encode", "plain", input, options));
  }

  /** As `encode`, for search queries. */
  encodeQuery(text: string, options?: RemoteEncodeOptions): Promise<Vector>;
  encodeQuery(texts: readonly string[], options?: RemoteEncodeOptions): Promise<Matrix>;
  encodeQuery(input: string | readonly string[], options?: RemoteEncodeOptions): Promise<Vector | Matrix> {
    return this.calls.track(this.encodeAs("encodeQuery", "query", input, options));
  }

  /** As `encode`, for documents to be searched. */
  encodeDocument(text: string, options?: RemoteEncodeOptions): Promise<Vector>;
  encodeDocument(texts: readonly string[], options?: RemoteEncodeOptions): Promise<Matrix>;
  encodeDocument(input: string | readonly string[], options?: RemoteEncodeOptions): Promise<Vector | Matrix> {
    return this.calls.track(this.encodeAs("encodeDocument", "document", input, options));
  }

  /** Refuses further calls, and waits for those under way. */
  async close(): Promise<void> {
    this.closed = true;
    await this.calls.settled();
  }

  /** Closes the encoder: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Fields of a request beside the texts. */
  protected abstract requestFields(): Readonly<Record<string, unknown>>;

  /** The row of a text, as the server gave it; throws if it is none. */
  protected abstract rowOf(answer: unknown, text: number): Vector;

  protected abstract stack(rows: readonly Vector[]): Matrix;

  private async encodeAs(
    call: string,
    task: RemoteTask,
    input: string | readonly string[],
    given: RemoteEncodeOptions | undefined,
  ): Promise<Vector | Matrix> {
    if (this.closed)
      throw new SparseEncoderError("CLOSED", "The encoder was closed; open it again to go on.");
    const isSingle = typeof input === "string";
    const texts: readonly string[] = isSingle ? [input] : input;
    checkTexts(call, texts);
    const { batchSize = this.server.batchSize, signal } = remoteCallOptions.check(call, given);
    const batches: (readonly string[])[] = [];
    for (let first = 0; first < texts.length; first += batchSize)
      batches.push(texts.slice(first, first + batchSize));
    const rows = await mapInParallel(
      batches,
      this.server.options.parallel,
      (batch, number, stop) => this.request(task, batch, number * batchSize, stop),
      signal,
    );
    const all = rows.flat();
    return isSingle ? all[0]! : this.stack(all);
  }

  private async request(
    task: RemoteTask,
    inputs: readonly string[],
    first: number,
    signal: AbortSignal,
  ): Promise<Vector[]> {
    const { client, options } = this.server;
    const promptNames = {
      plain: undefined,
      query: options.queryPromptName,
      document: options.documentPromptName,
    };
    const body = {
      inputs,
      truncate: true,
      // Servers that do not know it pass it over.
      task,
      ...(promptNames[task] !== undefined && { prompt_name: promptNames[task] }),
      ...this.requestFields(),
    };
    const answer = await client.ask(this.path, body, signal);
    const address = new URL(this.path, client.url);
    if (!Array.isArray(answer) || answer.length !== inputs.length) {
      throw invalidAnswer(address, `not an array of ${inputs.length} embeddings`);
    }
    return answer.map((row: unknown, place) => {
      try {
        return this.rowOf(row, first + place);
      } catch (cause) {
        throw invalidAnswer(
          address,
          `not an embedding for the text at position ${first + place}: ${(cause as Error).message}`,
          cause,
        );
      }
    });
  }
}
