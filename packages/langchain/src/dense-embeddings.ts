import { Embeddings } from "@langchain/core/embeddings";
import {
  type DenseEncodeOptions,
  DenseEncoder,
  type DenseEncoderOptions,
  type DenseMatrix,
} from "@sparse-encoder/core";
import { declareEmbeddings } from "./embeddings-options.ts";

/** Options of one call, as core's encoders take them. */
export type DenseEmbedOptions = Pick<DenseEncodeOptions, keyof DenseEncodeOptions>;

/** What {@link DenseEmbeddings} needs of an encoder. `DenseEncoder` has it. */
export interface DenseTextEncoder {
  /** Embeds queries: a row per query. */
  encodeQuery(texts: readonly string[], options?: DenseEmbedOptions): Promise<DenseMatrix>;
  /** Embeds documents: a row per document. */
  encodeDocument(texts: readonly string[], options?: DenseEmbedOptions): Promise<DenseMatrix>;
}

/** Options of {@link DenseEmbeddings}. */
export interface DenseEmbeddingsParams {
  /** Stays the caller's: closing the embeddings leaves it open. */
  readonly encoder: DenseTextEncoder;
}

const encoderOf = declareEmbeddings<DenseTextEncoder>("DenseEmbeddings", "DenseEncoder");

/**
 * Dense embeddings of a sentence-transformers model, for use wherever LangChain takes embeddings, so that hybrid retrieval
 * needs no second runtime.
 *
 * @example
 * await using embeddings = await DenseEmbeddings.fromModel("sentence-transformers/all-MiniLM-L6-v2");
 * const vector = await embeddings.embedQuery("What is the weather like?"); // 384 numbers
 */
export class DenseEmbeddings extends Embeddings implements AsyncDisposable {
  readonly #encoder: DenseTextEncoder;
  #opened: DenseEncoder | undefined;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(params: DenseEmbeddingsParams) {
    super({ maxRetries: 0 });
    this.#encoder = encoderOf(params);
  }

  /**
   * Loads a model, which the embeddings then own: `close` frees it.
   *
   * @throws SparseEncoderError as `DenseEncoder.load`
   */
  static async fromModel(model: string, options?: DenseEncoderOptions): Promise<DenseEmbeddings> {
    const encoder = await DenseEncoder.load(model, options);
    const embeddings = new DenseEmbeddings({ encoder });
    embeddings.#opened = encoder;
    return embeddings;
  }

  /** The encoder of these embeddings, for stores and retrievers of the library. */
  get encoder(): DenseTextEncoder {
    return this.#encoder;
  }

  /** One vector per text, in their order. */
  override async embedDocuments(texts: string[], options?: DenseEmbedOptions): Promise<number[][]> {
    const matrix = await this.#encoder.encodeDocument(texts, options);
    return Array.from(matrix, (row) => Array.from(row));
  }

  /** The vector of a query, with the model's prompt for queries. */
  override async embedQuery(text: string, options?: DenseEmbedOptions): Promise<number[]> {
    const matrix = await this.#encoder.encodeQuery([text], options);
    return Array.from(matrix.row(0));
  }

  /** Frees the model that `fromModel` loaded; an encoder that was given stays open. */
  async close(): Promise<void> {
    await this.#opened?.close();
  }

  /** Frees what `fromModel` loaded: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
