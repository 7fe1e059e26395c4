import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { PairReranker, type PairScorer } from "@sparse-encoder/core/internal";

/** Options of {@link CrossEncoderRerank}. */
export interface CrossEncoderRerankOptions {
  /** A `CrossEncoder` of `@sparse-encoder/core`. It stays open: who loaded it closes it. */
  readonly encoder: PairScorer;
  /** Documents to keep. Default 3, as in LangChain's Python library. */
  readonly topN?: number | undefined;
}

/**
 * Keeps the documents that a reranker scores highest, best first; documents of equal score keep their order. The score stands
 * in the metadata as `relevanceScore`. For `ContextualCompressionRetriever`, and for `compressor` of a `HybridRetriever`.
 *
 * @example
 * const compressor = new CrossEncoderRerank({ encoder: await CrossEncoder.load(name), topN: 5 });
 * const best = await compressor.compressDocuments(documents, "heat transfer");
 */
export class CrossEncoderRerank extends BaseDocumentCompressor {
  private readonly reranker: PairReranker;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: CrossEncoderRerankOptions) {
    super();
    this.reranker = new PairReranker("CrossEncoderRerank", options, 3);
  }

  async compressDocuments(
    documents: DocumentInterface[],
    query: string,
    _callbacks?: Callbacks,
  ): Promise<DocumentInterface[]> {
    const ranked = await this.reranker.rank(query, documents, ({ pageContent }) => pageContent);
    return ranked.map(({ item, score }) => ({
      ...item,
      metadata: { ...item.metadata, relevanceScore: score },
    }));
  }
}
