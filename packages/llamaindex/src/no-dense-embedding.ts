import { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { MessageContentDetail } from "@llamaindex/core/llms";

/**
 * Stands where LlamaIndex wants an embedding model and there are only sparse vectors: as `Settings.embedModel`, and as the
 * last transformation of an `IngestionPipeline`, which drops nodes without an embedding. The embeddings are empty arrays,
 * which a {@link HybridVectorStore} treats as absent.
 */
export class NoDenseEmbedding extends BaseEmbedding {
  constructor() {
    super();
    this.embedBatchSize = Number.POSITIVE_INFINITY;
    this.embedInfo = { dimensions: 0 };
  }

  // A property, because the base class has one: it would hide a method.
  /** An empty vector per text. */
  override getTextEmbeddings = async (texts: string[]): Promise<number[][]> => texts.map(() => []);

  /** An empty vector. */
  async getTextEmbedding(): Promise<number[]> {
    return [];
  }

  /** An empty vector. */
  override async getQueryEmbedding(_query: MessageContentDetail): Promise<number[] | null> {
    return [];
  }
}
