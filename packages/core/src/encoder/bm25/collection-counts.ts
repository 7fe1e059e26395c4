import { invalidArgument } from "../../errors.ts";
import type { CountedTexts } from "./counted-texts.ts";
import { mostTerms, TermCounts } from "./term-counts.ts";
import { TextSet } from "./text-set.ts";

/** What a {@link Bm25Encoder} has counted. */
export interface Bm25Summary {
  /** Documents of `fit` and all updates. */
  readonly documents: number;
  /** Distinct terms. */
  readonly terms: number;
  /** Mean length of a document at the last `fit`, in terms: what `lengthNorm: "average"` compares lengths with. */
  readonly averageLength: number;
  /** The mean over all documents by now. */
  readonly currentAverageLength: number;
}

/** What an encoder knows of the documents of its collection. */
export class CollectionCounts {
  /** Mean length at the last fit, 0 before. */
  averageLength: number;
  private counts: TermCounts;
  /** Texts that were counted, and may be added to a store that counts them again. */
  private awaited = new TextSet();

  constructor(counts = new TermCounts(), averageLength = 0) {
    this.counts = counts;
    this.averageLength = averageLength;
  }

  get current(): TermCounts {
    return this.counts;
  }

  get summary(): Bm25Summary {
    const { documents, terms, averageLength } = this.counts;
    return {
      documents,
      terms: terms.size,
      averageLength: this.averageLength,
      currentAverageLength: averageLength,
    };
  }

  /** Takes what was counted in place of all before. */
  replace(call: string, { counts, texts }: CountedTexts): void {
    checkTerms(call, counts.terms.size);
    this.counts = counts;
    this.awaited = texts;
    this.averageLength = counts.averageLength;
  }

  /** Adds what was counted, for texts that may be added to a store later. */
  add(call: string, { counts, texts }: CountedTexts): void {
    this.addStored(call, counts);
    this.awaited.addAll(texts);
  }

  /** Adds the counts of texts that are in the store. */
  addStored(call: string, counts: TermCounts): void {
    checkTerms(call, this.counts.terms.size + this.counts.unknownTerms(counts));
    this.counts.addAll(counts);
    // With empty documents only, no vector of a document depends on the average yet.
    if (this.averageLength === 0) this.averageLength = this.counts.averageLength;
  }

  /** The texts that were not counted before. A text that was counted is so for one addition. */
  uncounted(texts: readonly string[]): string[] {
    return texts.filter((text) => !this.awaited.remove(text));
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT` before anything was counted */
  check(call: string): void {
    if (this.counts.documents > 0) return;
    throw invalidArgument(
      `${call}: nothing was counted yet; call fit with the texts of the documents first.`,
    );
  }
}

function checkTerms(call: string, terms: number): void {
  if (terms <= mostTerms) return;
  throw invalidArgument(
    `${call}: ${terms} distinct terms are more than the ${mostTerms} of a Bm25Encoder; give an analyzer that makes fewer.`,
  );
}
