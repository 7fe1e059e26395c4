import { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { MessageContentDetail } from "@llamaindex/core/llms";
import { extractSingleText } from "@llamaindex/core/utils";
import { DenseEncoder, type DenseEncoderOptions, type DenseMatrix } from "@sparse-encoder/core";
import { declareEmbedding } from "./embedding-options.ts";

/** What a {@link DenseEmbedding} needs of an encoder. `DenseEncoder` has it. */
export interface DenseTextEncoder {
  /** Width of a vector. */
  readonly embeddingDimension: number;
  /** Embeds queries: a row per query. */
  encodeQuery(texts: readonly string[]): Promise<DenseMatrix>;
  /** Embeds documents: a row per document. */
  encodeDocument(texts: readonly string[]): Promise<DenseMatrix>;
}

/** Options of a {@link DenseEmbedding}. */
export interface DenseEmbeddingOptions {
  /** Stays the caller's: closing the embedding leaves it open. */
  readonly encoder: DenseTextEncoder;
  /** Texts that the encoder gets at once. Default: all of a call, which it batches by itself. */
  readonly embedBatchSize?: number | undefined;
}

const optionsOf = declareEmbedding<DenseTextEncoder>("DenseEmbedding", "a DenseEncoder");

/**
 * Dense embeddings of a sentence-transformers model, for `Settings.embedModel`, for a vector store, and as the last
 * transformation of an `IngestionPipeline`. An index then needs no key and no network.
 *
 * @example
 * Settings.embedModel = await DenseEmbedding.fromModel("sentence-transformers/all-MiniLM-L6-v2");
 */
export class DenseEmbedding extends BaseEmbedding implements AsyncDisposable {
  /** Makes the vectors. */
  readonly encoder: DenseTextEncoder;
  private opened: DenseEncoder | undefined;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: DenseEmbeddingOptions) {
    super();
    const { encoder, embedBatchSize } = optionsOf(options);
    this.encoder = encoder;
    this.embedBatchSize = embedBatchSize;
    this.embedInfo = { dimensions: encoder.embeddingDimension };
  }

  /**
   * Loads a model, which the embedding then owns: `close` frees it.
   *
   * @throws SparseEncoderError as `DenseEncoder.load`
   */
  static async fromModel(model: string, options?: DenseEncoderOptions): Promise<DenseEmbedding> {
    const encoder = await DenseEncoder.load(model, options);
    const embedding = new DenseEmbedding({ encoder });
    embedding.opened = encoder;
    return embedding;
  }

  // A property, because the base class has one: it would hide a method.
  /** The vectors of texts, in their order. */
  override getTextEmbeddings = async (texts: string[]): Promise<number[][]> =>
    Array.from(await this.encoder.encodeDocument(texts), (row) => Array.from(row));

  /** The vector of a text. */
  async getTextEmbedding(text: string): Promise<number[]> {
    const [embedding] = await this.getTextEmbeddings([text]);
    return embedding!;
  }

  /** Null for a query without text, as the base class gives it. */
  override async getQueryEmbedding(query: MessageContentDetail): Promise<number[] | null> {
    const text = extractSingleText(query);
    if (text === null || text === "") return null;
    return Array.from((await this.encoder.encodeQuery([text])).row(0));
  }

  /** Frees the model that `fromModel` loaded; an encoder of the caller stays open. */
  async close(): Promise<void> {
    await this.opened?.close();
  }

  /** Frees what `fromModel` loaded: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
