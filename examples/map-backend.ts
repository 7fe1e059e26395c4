// A store of your own: a backend over a Map, which `createStore` makes a Store of. It keeps documents in memory and compares
// a query with each of them. docs/writing-a-store.md explains it; test/stores/example-store.test.ts runs the conformance
// suite on it.
import { SparseVector, type StoredDocument, type StoreHit, type VectorSchema } from "@sparse-encoder/core";
import {
  type BackendQuery,
  type CheckedDocument,
  checkVectorSchema,
  type FilterNode,
  filterOperators,
  matches,
  type ResolvedField,
  type StoreBackend,
  type StoreCapabilities,
} from "@sparse-encoder/core/stores";

export class MapBackend implements StoreBackend {
  readonly name = "map";
  readonly capabilities: StoreCapabilities = {
    sparse: true,
    dense: true,
    filters: new Set(filterOperators),
    exact: true,
    durable: false,
  };
  /** Documents may not bring other names of vectors. */
  readonly declared = true;
  /** Equal scores come in the order of the Map: the front orders them. */
  readonly ordersTies = false;
  readonly fields: ReadonlyMap<string, ResolvedField>;
  private readonly documents = new Map<string, CheckedDocument>();

  constructor(vectors: VectorSchema) {
    this.fields = checkVectorSchema("MapBackend", vectors);
  }

  async write(documents: readonly CheckedDocument[]): Promise<void> {
    for (const document of documents) this.documents.set(document.id, document);
  }

  async remove(ids: readonly string[]): Promise<number> {
    return ids.filter((id) => this.documents.delete(id)).length;
  }

  async read(ids: readonly string[]): Promise<Map<string, StoredDocument>> {
    const found = ids.flatMap((id) => this.documents.get(id) ?? []);
    return new Map(found.map((document) => [document.id, toStored(document)]));
  }

  async count(filter: FilterNode | undefined): Promise<number> {
    return this.passing(filter).length;
  }

  async *pages(after: string, filter: FilterNode | undefined, batchSize: number) {
    const ids = this.passing(filter).map(({ id }) => id);
    const rising = ids.filter((id) => id > after).sort();
    for (let start = 0; start < rising.length; start += batchSize) {
      yield [...(await this.read(rising.slice(start, start + batchSize))).values()];
    }
  }

  async rankSparse(query: BackendQuery<SparseVector>): Promise<StoreHit[]> {
    return this.rank(query, (vector) => {
      const sparse = vector as SparseVector;
      // Documents that share no active dim with the query are not hits, whatever their score would be.
      return sparse.indices.some((index) => query.vector.get(index) !== 0)
        ? query.vector.dot(sparse)
        : undefined;
    });
  }

  async rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]> {
    return this.rank(query, (vector) => {
      const dense = vector as Float32Array;
      if (query.field.kind === "dense" && query.field.metric === "euclidean") {
        return -Math.hypot(...dense.map((value, position) => value - query.vector[position]!));
      }
      const product = dense.reduce((sum, value, position) => sum + value * query.vector[position]!, 0);
      const isCosine = query.field.kind === "dense" && query.field.metric === "cosine";
      return isCosine ? product / (Math.hypot(...dense) * Math.hypot(...query.vector)) : product;
    });
  }

  async close(): Promise<void> {
    this.documents.clear();
  }

  private passing(filter: FilterNode | undefined): CheckedDocument[] {
    const all = [...this.documents.values()];
    return filter === undefined ? all : all.filter(({ metadata }) => matches(filter, metadata));
  }

  /** The best `k`: highest score first. */
  private rank(
    { name, filter, k }: BackendQuery,
    scoreOf: (vector: SparseVector | Float32Array) => number | undefined,
  ): StoreHit[] {
    const hits = this.passing(filter).flatMap(({ id, text, metadata, vectors }) => {
      const vector = vectors.get(name);
      const score = vector === undefined ? undefined : scoreOf(vector);
      return score === undefined ? [] : [{ id, text, metadata, score }];
    });
    return hits.sort((a, b) => b.score - a.score).slice(0, k);
  }
}

/** Vectors are copied: the caller may change what a store gives. */
function toStored({ id, text, metadata, vectors }: CheckedDocument): StoredDocument {
  const copies = Array.from(vectors, ([name, vector]) => [
    name,
    vector instanceof Float32Array ? vector.slice() : SparseVector.from(vector, vector.dimension),
  ]);
  return { id, text, metadata, vectors: Object.fromEntries(copies) };
}
