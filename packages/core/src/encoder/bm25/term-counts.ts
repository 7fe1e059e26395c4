import type { TermTally } from "./term-tally.ts";

/** As many keys as a `Map` can hold; far more than a language has. */
export const mostTerms = 2 ** 24;

/** A dim that was counted. */
interface CountedTerm {
  /** Its term; of several terms of one dim, the first. */
  readonly term: string;
  /** Documents that have it. */
  readonly documents: number;
}

/** What BM25 knows of documents, as numbers: how many there are, how long they are, and in how many each term is. */
export class TermCounts {
  documents = 0;
  /** Length of all documents together. */
  length = 0;
  /** By dim. */
  readonly terms = new Map<number, CountedTerm>();

  /** Mean length of a document, 0 without any. */
  get averageLength(): number {
    return this.documents === 0 ? 0 : this.length / this.documents;
  }

  /** Counts a document. */
  addDocument({ terms, length }: TermTally): void {
    this.documents++;
    this.length += length;
    for (const [dim, { term }] of terms) this.addTerm(dim, term, 1);
  }

  addTerm(dim: number, term: string, documents: number): void {
    const known = this.terms.get(dim);
    this.terms.set(dim, {
      term: known?.term ?? term,
      documents: (known?.documents ?? 0) + documents,
    });
  }

  /** Counts what `other` has counted. */
  addAll(other: TermCounts): void {
    this.documents += other.documents;
    this.length += other.length;
    for (const [dim, { term, documents }] of other.terms) this.addTerm(dim, term, documents);
  }

  /** Terms that are new here if all of `other` is added. */
  unknownTerms(other: TermCounts): number {
    let count = 0;
    for (const dim of other.terms.keys()) if (!this.terms.has(dim)) count++;
    return count;
  }
}
