import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { SparseEncoderError } from "@sparse-encoder/core";
import { checkOptionNames, type PairScorer, received } from "@sparse-encoder/core/internal";

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
  private readonly encoder: PairScorer;
  private readonly topN: number;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: CrossEncoderRerankOptions) {
    super();
    checkOptionNames("CrossEncoderRerank", options ?? null, ["encoder", "topN"]);
    const { encoder, topN = 3 } = options;
    if (typeof encoder?.predict !== "function") {
      throw invalid(`encoder must be a CrossEncoder, received ${received(encoder)}`);
    }
    if (!Number.isSafeInteger(topN) || topN < 1) {
      throw invalid(`topN must be a whole number of at least 1, received ${received(topN)}`);
    }
    this.encoder = encoder;
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

function invalid(problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_ARGUMENT", `CrossEncoderRerank: ${problem}.`);
}
