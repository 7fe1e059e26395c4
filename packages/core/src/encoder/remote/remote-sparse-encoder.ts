import { received } from "../../errors.ts";
import { type SparseEntry, SparseMatrix, SparseVector } from "../../vector/index.ts";
import { invalidAnswer } from "./remote-client.ts";
import { dimensionOf, openServer, RemoteEncoder, type RemoteServer } from "./remote-encoder.ts";
import type { RemoteEncoderOptions } from "./remote-options.ts";

/**
 * A sparse encoder whose model runs on another machine: a server that `sparse-encoder serve` started, or one of
 * text-embeddings-inference with `--pooling splade`. It takes the place of a `SparseEncoder` in retrievers and in both adapters.
 *
 * @example
 * const encoder = await RemoteSparseEncoder.open("http://encoder:8080", { apiKey: process.env.KEY });
 * const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } } });
 */
export class RemoteSparseEncoder extends RemoteEncoder<SparseVector, SparseMatrix> {
  private readonly vocabulary: readonly string[];

  private constructor(server: RemoteServer, dimension: number, vocabulary: readonly string[]) {
    super(server, "embed_sparse", dimension);
    this.vocabulary = vocabulary;
  }

  /**
   * Asks the server what it is, and for its vocabulary where it has one to give.
   *
   * @param url address of the server, such as `http://localhost:8080`; a path is kept
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `NETWORK`, `TIMEOUT`, `REMOTE_REFUSED`,
   *   `REMOTE_INVALID`, `ABORTED`
   */
  static async open(url: string, options: RemoteEncoderOptions = {}): Promise<RemoteSparseEncoder> {
    const call = "RemoteSparseEncoder.open";
    const server = await openServer(call, url, options);
    const dimension = dimensionOf(call, server, "dimension");
    const hasVocabulary = server.info.has_vocabulary === true;
    const answer = hasVocabulary
      ? await server.client.ask("vocabulary", undefined, server.options.signal)
      : [];
    if (!Array.isArray(answer) || !answer.every((piece) => typeof piece === "string")) {
      throw invalidAnswer(new URL("vocabulary", server.client.url), "not an array of vocabulary pieces");
    }
    return new RemoteSparseEncoder(server, dimension, answer);
  }

  /** The vocabulary piece of a dim, or `[index]` where the server told none. */
  tokenOf(index: number): string {
    return this.vocabulary[index] ?? `[${index}]`;
  }

  protected requestFields(): Readonly<Record<string, unknown>> {
    const { maxActiveDims } = this.server.options;
    return maxActiveDims === undefined ? {} : { max_active_dims: maxActiveDims };
  }

  protected rowOf(answer: unknown): SparseVector {
    if (!Array.isArray(answer)) throw new Error(`expected an array, received ${received(answer)}`);
    const vector = SparseVector.from(answer.map(entryOf), this.embeddingDimension);
    // Servers that do not know the field of the request give all weights.
    const { maxActiveDims } = this.server.options;
    return maxActiveDims === undefined ? vector : vector.topDims(maxActiveDims);
  }

  protected stack(rows: readonly SparseVector[]): SparseMatrix {
    return SparseMatrix.fromRows(rows, this.embeddingDimension);
  }
}

function entryOf(entry: unknown): SparseEntry {
  const { index, value } = (entry ?? {}) as { index?: unknown; value?: unknown };
  if (typeof index === "number" && typeof value === "number") return [index, value];
  throw new Error(`expected an index and a value, received ${received(entry)}`);
}
