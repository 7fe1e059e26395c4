import { count, declareOptions, unchecked } from "../options/index.ts";
import { checkPairScorer, type PairScorer } from "../retrieval/index.ts";

/** Options of the rerankers of the adapters. */
interface PairRerankerOptions {
  readonly encoder: PairScorer;
  readonly topN?: number | undefined;
}

const rerankerOptions = declareOptions<PairRerankerOptions>()({
  // The check of an encoder that is missing says what it must be.
  encoder: unchecked<PairScorer>(),
  topN: count(),
});

/** Keeps the items whose texts score highest for a query, best first; items of equal score keep their order. */
export class PairReranker {
  private readonly encoder: PairScorer;
  private readonly topN: number;

  /**
   * @param call the class of the adapter, for messages
   * @param fallback the `topN` of an adapter where the options give none
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
   */
  constructor(call: string, options: PairRerankerOptions, fallback: number) {
    const { encoder, topN = fallback } = rerankerOptions.check(call, options ?? null, `${call}: `);
    this.encoder = checkPairScorer(encoder, `${call}: encoder`);
    this.topN = topN;
  }

  async rank<Item>(
    query: string,
    items: readonly Item[],
    textOf: (item: Item) => string,
  ): Promise<{ readonly item: Item; readonly score: number }[]> {
    const scores = await this.encoder.predict(items.map((item) => [query, textOf(item)] as const));
    return items
      .map((item, place) => ({ item, score: scores[place]! }))
      .sort((a, b) => b.score - a.score)
      .slice(0, this.topN);
  }
}
