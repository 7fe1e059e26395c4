import { SparseMatrix } from "@sparse-encoder/core";

const vocabularySize = 30_522;
const topicCount = 400;
const termsPerTopic = 1_000;
/** Share of a text's terms that come from its topic; the others come from the language at large. */
const topicShare = 0.6;
/** The term of rank r has a probability in proportion to 1 / (r + offset); so flat is the head of the list. */
const offset = 10;

/**
 * Sparse vectors that resemble the vectors of a SPLADE model, from a seed: the same vectors for the same calls.
 *
 * Terms follow Zipf's law with an offset, once over the vocabulary of 30,522 and once within each of 400 topics of 1,000
 * terms. A text has one topic, from which 60 % of its terms come. So a few posting lists hold a third of all documents,
 * most are short, and a query shares several terms with the documents of its topic and few with others. Weights are
 * ln(1 + x) with x exponential, as the log-saturated activations of such a model.
 */
export class SyntheticCollection {
  private state: number;
  private readonly vocabulary: Uint32Array;
  private readonly topics: readonly Uint32Array[];

  constructor(seed: number) {
    this.state = seed | 0 || 1;
    this.vocabulary = this.shuffled(vocabularySize);
    this.topics = Array.from({ length: topicCount }, () =>
      this.shuffled(vocabularySize).slice(0, termsPerTopic),
    );
  }

  /** Dimension of the vectors. */
  get dimension(): number {
    return vocabularySize;
  }

  /** The next `count` vectors, of `activeDims` entries each. */
  next(count: number, activeDims: number): SparseMatrix {
    const offsets = Uint32Array.from({ length: count + 1 }, (_, row) => row * activeDims);
    const indices = new Uint32Array(count * activeDims);
    const values = new Float32Array(count * activeDims);
    const chosen = new Set<number>();
    for (let row = 0; row < count; row++) {
      const topic = this.topics[Math.floor(this.random() * topicCount)]!;
      chosen.clear();
      while (chosen.size < activeDims)
        chosen.add(this.zipf(this.random() < topicShare ? topic : this.vocabulary));
      indices.set([...chosen], row * activeDims);
      indices.subarray(row * activeDims, (row + 1) * activeDims).sort();
    }
    for (let entry = 0; entry < values.length; entry++) {
      values[entry] = Math.log1p(-2 * Math.log(1 - this.random()));
    }
    return new SparseMatrix(offsets, indices, values, vocabularySize);
  }

  private zipf(terms: Uint32Array): number {
    const rank = offset * ((terms.length + offset) / offset) ** this.random() - offset;
    return terms[Math.min(Math.floor(rank), terms.length - 1)]!;
  }

  private shuffled(length: number): Uint32Array {
    const numbers = Uint32Array.from({ length }, (_, number) => number);
    for (let last = length - 1; last > 0; last--) {
      const other = Math.floor(this.random() * (last + 1));
      const swapped = numbers[last]!;
      numbers[last] = numbers[other]!;
      numbers[other] = swapped;
    }
    return numbers;
  }

  /** From above 0 to below 1, by Marsaglia's xorshift of 32 bits (https://doi.org/10.18637/jss.v008.i14). */
  private random(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) / 2 ** 32;
  }
}
