import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import {
  checkPairScorer,
  count,
  declareOptions,
  type PairScorer,
  unchecked,
} from "@sparse-encoder/core/internal";

/** Options of {@link CrossEncoderRerank}. */
export interface CrossEncoderRerankOptions {
  /** A `CrossEncoder` of `@sparse-encoder/core`. It stays open: who loaded it closes it. */
  readonly encoder: PairScorer;
  /** Documents to keep. Default 3, as in LangChain's Python library. */
  readonly topN?: number | undefined;
}

const rerankOptions = declareOptions<CrossEncoderRerankOptions>()({
  // The check of an encoder that is missing says what it must be.
  encoder: unchecked<PairScorer>(),
  topN: count().default(3),
});

/**
 * Keeps the documents that a reranker scores highest, best first; documents of equal score keep their order. The score stands
 * in the metadata as `relevanceScore`. For `ContextualCompressionRetriever`, and for `compressor` of a `HybridRetriever`.
 *
 * @example
 * const compressor = new CrossEncoderRerank({ encoder: await CrossEncoder.load(name), topN: 5 });
 * const best = await compressor.compressDocuments(documents, "heat transfer");
 */
export class CrossEncoderRerank extends BaseDocumentCompressor {
  private readonly encoder: PairScorer;
  private readonly topN: number;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: CrossEncoderRerankOptions) {
    super();
    const call = "CrossEncoderRerank";
    const { encoder, topN } = rerankOptions.check(call, options ?? null, `${call}: `);
    this.encoder = checkPairScorer(encoder, `${call}: encoder`);
    this.topN = topN;
  }

  async compressDocuments(
    documents: DocumentInterface[],
    query: string,
    _callbacks?: Callbacks,
  ): Promise<DocumentInterface[]> {
    const scores = await this.encoder.predict(
      documents.map(({ pageContent }) => [query, pageContent] as const),
    );
    return documents
      .map((document, place) => ({
        ...document,
        metadata: { ...document.metadata, relevanceScore: scores[place]! },
      }))
      .sort((a, b) => b.metadata.relevanceScore - a.metadata.relevanceScore)
      .slice(0, this.topN);
  }
}
