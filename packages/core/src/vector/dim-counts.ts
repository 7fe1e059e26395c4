/** In how many sparse vectors of a collection some dims are active. */
export interface DimCounts {
  /** Vectors of the collection, empty ones included. */
  readonly vectors: number;
  /** For each dim that was asked about, in their order: the vectors in which it is active. */
  readonly active: readonly number[];
}
