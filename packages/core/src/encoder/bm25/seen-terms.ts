/** Terms that are remembered, some 100 bytes each. */
const mostTerms = 1 << 18;

/** The terms of dims, for people: the terms that were encoded lately. */
export class SeenTerms {
  private readonly terms = new Map<number, string>();

  get(dim: number): string | undefined {
    return this.terms.get(dim);
  }

  add(dim: number, term: string): void {
    if (this.terms.get(dim) === term) return;
    this.terms.delete(dim);
    this.terms.set(dim, term);
    if (this.terms.size <= mostTerms) return;
    for (const oldest of this.terms.keys()) {
      this.terms.delete(oldest);
      return;
    }
  }
}
