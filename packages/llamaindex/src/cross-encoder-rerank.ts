import type { MessageContent } from "@llamaindex/core/llms";
import type { BaseNodePostprocessor } from "@llamaindex/core/postprocessor";
import { MetadataMode, type NodeWithScore } from "@llamaindex/core/schema";
import { extractText } from "@llamaindex/core/utils";
import { invalidArgument, PairReranker, type PairScorer } from "@sparse-encoder/core/internal";

/** Options of {@link CrossEncoderRerank}. */
export interface CrossEncoderRerankOptions {
  /** A `CrossEncoder` of `@sparse-encoder/core`. It stays open: who loaded it closes it. */
  readonly encoder: PairScorer;
  /** Nodes to keep. Default 2, as in the Python library's `SentenceTransformerRerank`. */
  readonly topN?: number | undefined;
}

/**
 * Keeps the nodes that a reranker scores highest, best first; nodes of equal score keep their order. It reads the text of a node
 * with the metadata that are meant for embeddings. For `nodePostprocessors` of retrievers and query engines.
 *
 * @example
 * const rerank = new CrossEncoderRerank({ encoder: await CrossEncoder.load(name), topN: 5 });
 * const engine = index.asQueryEngine({ nodePostprocessors: [rerank] });
 */
export class CrossEncoderRerank implements BaseNodePostprocessor {
  private readonly reranker: PairReranker;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: CrossEncoderRerankOptions) {
    this.reranker = new PairReranker("CrossEncoderRerank", options, 2);
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT` without a query */
  async postprocessNodes(nodes: NodeWithScore[], query?: MessageContent): Promise<NodeWithScore[]> {
    if (query === undefined) {
      throw invalidArgument(
        "CrossEncoderRerank: postprocessNodes needs the query that the nodes were found for.",
      );
    }
    const ranked = await this.reranker.rank(extractText(query), nodes, ({ node }) =>
      node.getContent(MetadataMode.EMBED),
    );
    return ranked.map(({ item: { node }, score }) => ({ node, score }));
  }
}
