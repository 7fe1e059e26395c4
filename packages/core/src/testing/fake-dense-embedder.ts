import { checkOptionNames, positiveInteger } from "../options/index.ts";
import { DenseMatrix } from "../vector/index.ts";
import { FakeEncoder } from "./fake-encoder.ts";
import { hashOf, wordsOf } from "./words.ts";

/**
 * Stands in for a `DenseEncoder` in tests: no model, no worker, the same vectors in every run. Each word has a direction
 * by its hash; the vector of a text is the sum of the vectors of its words, scaled to length 1. A text without words has the
 * direction of the empty word.
 *
 * @example
 * const embedder = new FakeDenseEmbedder({ dimension: 16 });
 * const vector = await embedder.encodeQuery("red green"); // Float32Array of 16 numbers, length 1
 */
export class FakeDenseEmbedder extends FakeEncoder<Float32Array, DenseMatrix> {
  /** Width of a vector. */
  readonly embeddingDimension: number;

  /** @param options `dimension` of the vectors, default 32 */
  constructor(options: { readonly dimension?: number } = {}) {
    super();
    checkOptionNames("FakeDenseEmbedder", options, ["dimension"]);
    this.embeddingDimension = positiveInteger("dimension", options.dimension ?? 32);
  }

  protected encodeOne(text: string): Float32Array {
    const sum = new Float64Array(this.embeddingDimension);
    const words = wordsOf(text);
    for (const word of words.length === 0 ? [""] : words) {
      for (let index = 0; index < sum.length; index++) {
        sum[index]! += hashOf(`${word} ${index}`) / 0x80000000 - 1;
      }
    }
    const length = Math.hypot(...sum);
    return Float32Array.from(sum, (value) => value / length);
  }

  protected stack(vectors: readonly Float32Array[]): DenseMatrix {
    const values = new Float32Array(vectors.length * this.embeddingDimension);
    for (const [row, vector] of vectors.entries()) values.set(vector, row * this.embeddingDimension);
    return new DenseMatrix(values, this.embeddingDimension);
  }
}
