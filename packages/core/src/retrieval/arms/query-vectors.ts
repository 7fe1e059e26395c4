import type { CheckedQuery } from "../retrieval-query.ts";
import type { StoreArm } from "./arm.ts";
import { weighed } from "./store-weights.ts";
import type { TextEmbedder, TextVector } from "./text-embedder.ts";

/**
 * The vectors of the queries of one call. Each encoder is asked once, for all queries and for all arms that have it. Its work
 * therefore ends with the call, not with the time of one arm.
 */
export class QueryVectors {
  private readonly queries: readonly CheckedQuery[];
  private readonly signal: AbortSignal;
  private readonly encoded = new Map<object, Map<CheckedQuery, Promise<TextVector>>>();

  /** @param signal aborts when no query needs its vectors any more */
  constructor(queries: readonly CheckedQuery[], signal: AbortSignal) {
    this.queries = queries;
    this.signal = signal;
  }

  /**
   * The vector of a query for an arm; undefined for a dense vector of zeros.
   * @throws SparseEncoderError `STORE_MISMATCH` if another encoder made the vectors of the store; what the encoder throws
   */
  async of(query: CheckedQuery, { name, source }: StoreArm): Promise<TextVector> {
    if (query.vectors.has(name)) return query.vectors.get(name);
    const { embedder } = source;
    const known = this.encoded.get(embedder.identity) ?? new Map<CheckedQuery, Promise<TextVector>>();
    this.encoded.set(embedder.identity, known);
    if (!known.has(query)) this.encode(embedder, name, known);
    return weighed(source, await known.get(query), this.signal);
  }

  private encode(embedder: TextEmbedder, arm: string, known: Map<CheckedQuery, Promise<TextVector>>): void {
    const queries = this.queries.filter(
      (query) => query.text !== undefined && !query.vectors.has(arm) && !known.has(query),
    );
    const rows = embedder.embed(
      "query",
      queries.map(({ text }) => text!),
      this.signal,
    );
    for (const [row, query] of queries.entries()) {
      const vector = rows.then((vectors) => vectors[row]);
      // A query that has ended by then does not wait for its vector.
      vector.catch(() => {});
      known.set(query, vector);
    }
  }
}
