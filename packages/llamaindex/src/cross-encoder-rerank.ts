import type { MessageContent } from "@llamaindex/core/llms";
import type { BaseNodePostprocessor } from "@llamaindex/core/postprocessor";
import { MetadataMode, type NodeWithScore } from "@llamaindex/core/schema";
import { extractText } from "@llamaindex/core/utils";
import {
  checkPairScorer,
  count,
  declareOptions,
  invalidArgument,
  type PairScorer,
  unchecked,
} from "@sparse-encoder/core/internal";

/** Options of {@link CrossEncoderRerank}. */
export interface CrossEncoderRerankOptions {
  /** A `CrossEncoder` of `@sparse-encoder/core`. It stays open: who loaded it closes it. */
  readonly encoder: PairScorer;
  /** Nodes to keep. Default 2, as in the Python library's `SentenceTransformerRerank`. */
  readonly topN?: number | undefined;
}

const rerankOptions = declareOptions<CrossEncoderRerankOptions>()({
  // The check of an encoder that is missing says what it must be.
  encoder: unchecked<PairScorer>(),
  topN: count().default(2),
});

/**
 * Keeps the nodes that a reranker scores highest, best first; nodes of equal score keep their order. It reads the text of a node
 * with the metadata that are meant for embeddings. For `nodePostprocessors` of retrievers and query engines.
 *
 * @example
 * const rerank = new CrossEncoderRerank({ encoder: await CrossEncoder.load(name), topN: 5 });
 * const engine = index.asQueryEngine({ nodePostprocessors: [rerank] });
 */
export class CrossEncoderRerank implements BaseNodePostprocessor {
  private readonly encoder: PairScorer;
  private readonly topN: number;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: CrossEncoderRerankOptions) {
    const call = "CrossEncoderRerank";
    const { encoder, topN } = rerankOptions.check(call, options ?? null, `${call}: `);
    this.encoder = checkPairScorer(encoder, `${call}: encoder`);
    this.topN = topN;
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT` without a query */
  async postprocessNodes(nodes: NodeWithScore[], query?: MessageContent): Promise<NodeWithScore[]> {
    if (query === undefined) {
      throw invalidArgument(
        "CrossEncoderRerank: postprocessNodes needs the query that the nodes were found for.",
      );
    }
    const text = extractText(query);
    const scores = await this.encoder.predict(
      nodes.map(({ node }) => [text, node.getContent(MetadataMode.EMBED)] as const),
    );
    return nodes
      .map(({ node }, place) => ({ node, score: scores[place]! }))
      .sort((a, b) => b.score - a.score)
      .slice(0, this.topN);
  }
}
