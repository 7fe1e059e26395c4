/** What BM25 knows of documents, as numbers: how many there are, how long they are, and in how many each term is. */
export class Bm25Statistics {
  /** The terms, each at the number that is its dim. */
  readonly terms: string[] = [];
  /** Documents that hold the term, by its number. */
  readonly frequencies: number[] = [];
  documents = 0;
  /** Terms of all documents, repeats included. */
  tokens = 0;
  private readonly numbers = new Map<string, number>();

  numberOf(term: string): number | undefined {
    return this.numbers.get(term);
  }

  /** Counts `documents` documents that hold the term; a new term gets the next number. */
  addTerm(term: string, documents: number): void {
    const number = this.numbers.get(term);
    if (number !== undefined) {
      this.frequencies[number]! += documents;
      return;
    }
    this.numbers.set(term, this.terms.length);
    this.terms.push(term);
    this.frequencies.push(documents);
  }

  /** Counts a document. */
  addDocument(terms: readonly string[]): void {
    this.documents++;
    this.tokens += terms.length;
    for (const term of new Set(terms)) this.addTerm(term, 1);
  }

  /** Counts what `other` has counted. */
  addAll(other: Bm25Statistics): void {
    this.documents += other.documents;
    this.tokens += other.tokens;
    for (const [number, term] of other.terms.entries()) this.addTerm(term, other.frequencies[number]!);
  }

  /** Terms that are new here if all of `other` is added. */
  unknownTerms(other: Bm25Statistics): number {
    return other.terms.reduce((count, term) => count + (this.numbers.has(term) ? 0 : 1), 0);
  }

  /** The same terms under the same numbers, and nothing counted. */
  emptied(): Bm25Statistics {
    const empty = new Bm25Statistics();
    for (const term of this.terms) empty.addTerm(term, 0);
    return empty;
  }
}
