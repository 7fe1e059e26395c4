import { checkOptionNames, positiveInteger } from "../options/index.ts";
import { SparseMatrix, SparseVector } from "../vector/index.ts";
import { FakeEncoder } from "./fake-encoder.ts";
import { hashOf, wordsOf } from "./words.ts";

/**
 * Stands in for a `SparseEncoder` in tests: no model, no worker, the same vectors in every run. Each word has a dim by its
 * hash, with the number of times it occurs as weight; so texts are similar if they share words, and nothing else.
 *
 * @example
 * const encoder = new FakeSparseEncoder({ dimension: 1000 });
 * const vector = await encoder.encodeQuery("red green red"); // two active dims, weights 2 and 1
 */
export class FakeSparseEncoder extends FakeEncoder<SparseVector, SparseMatrix> {
  /** Width of a vector. */
  readonly embeddingDimension: number;

  /** @param options `dimension` of the vectors, default 4,096; few dims make words collide */
  constructor(options: { readonly dimension?: number } = {}) {
    super();
    checkOptionNames("FakeSparseEncoder", options, ["dimension"]);
    this.embeddingDimension = positiveInteger("dimension", options.dimension ?? 4096, 0xffffffff);
  }

  protected encodeOne(text: string): SparseVector {
    const weights = new Map<number, number>();
    for (const word of wordsOf(text)) {
      const dim = hashOf(word) % this.embeddingDimension;
      weights.set(dim, (weights.get(dim) ?? 0) + 1);
    }
    return SparseVector.from(weights, this.embeddingDimension);
  }

  protected stack(vectors: readonly SparseVector[]): SparseMatrix {
    return SparseMatrix.fromRows(vectors, this.embeddingDimension);
  }
}
