import { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { MessageContentDetail } from "@llamaindex/core/llms";
import { extractSingleText } from "@llamaindex/core/utils";
import type { DenseMatrix } from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import { invalidArgument } from "./options.ts";
import { checkBatchSize } from "./sparse-embedding.ts";

/** What a {@link DenseEncoderEmbedding} needs of an encoder; `DenseEncoder` is such. */
export interface DenseTextEncoder {
  readonly embeddingDimension: number;
  encodeQuery(texts: readonly string[]): Promise<DenseMatrix>;
  encodeDocument(texts: readonly string[]): Promise<DenseMatrix>;
}

/** Options of a {@link DenseEncoderEmbedding}. */
export interface DenseEncoderEmbeddingOptions {
  /** Stays the caller's: the embedding never closes it. */
  readonly encoder: DenseTextEncoder;
  /** Texts that the encoder gets at once. Default: all of a call, which it batches by itself. */
  readonly embedBatchSize?: number;
}

/**
 * Dense embeddings of a `DenseEncoder`, for `Settings.embedModel`, for a vector store, and as the last transformation of an
 * `IngestionPipeline`: an index then needs no key and no network.
 *
 * @example
 * Settings.embedModel = new DenseEncoderEmbedding({ encoder: await DenseEncoder.load("./all-MiniLM-L6-v2") });
 */
export class DenseEncoderEmbedding extends BaseEmbedding {
  readonly encoder: DenseTextEncoder;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: DenseEncoderEmbeddingOptions) {
    super();
    checkOptionNames("DenseEncoderEmbedding", options ?? null, ["encoder", "embedBatchSize"]);
    const { encoder, embedBatchSize = Number.POSITIVE_INFINITY } = options;
    if (typeof encoder?.encodeQuery !== "function" || typeof encoder.encodeDocument !== "function") {
      throw invalidArgument(
        `DenseEncoderEmbedding: encoder must have encodeQuery and encodeDocument, such as a DenseEncoder, received ${received(encoder)}.`,
      );
    }
    checkBatchSize("DenseEncoderEmbedding", embedBatchSize);
    this.encoder = encoder;
    this.embedBatchSize = embedBatchSize;
    this.embedInfo = { dimensions: encoder.embeddingDimension };
  }

  // A property, because the base class has one: it would hide a method.
  override getTextEmbeddings = async (texts: string[]): Promise<number[][]> =>
    Array.from(await this.encoder.encodeDocument(texts), (row) => Array.from(row));

  async getTextEmbedding(text: string): Promise<number[]> {
    const [embedding] = await this.getTextEmbeddings([text]);
    return embedding!;
  }

  /** Null for what has no text, as the base class does. */
  override async getQueryEmbedding(query: MessageContentDetail): Promise<number[] | null> {
    const text = extractSingleText(query);
    if (text === null || text === "") return null;
    return Array.from((await this.encoder.encodeQuery([text])).row(0));
  }
}
