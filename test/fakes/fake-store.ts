import type {
  DeleteTarget,
  Filter,
  Store,
  StoreCallOptions,
  StoreCapabilities,
  StoredDocument,
  StoreHit,
  StoreSearchOptions,
} from "../../packages/core/src/stores/index.ts";
import type { SparseVector } from "../../packages/core/src/vector/index.ts";

/** A fake: a `Map` that scores everything, with equality and `$and` for filters. Notes each call. */
export class FakeStore implements Store {
  readonly name = "fake";
  readonly capabilities: StoreCapabilities = {
    sparse: true,
    dense: true,
    filters: new Set(["$eq", "$and"]),
    exact: true,
    durable: false,
  };
  readonly documents = new Map<string, StoredDocument>();
  /** Names of the calls so far. */
  readonly calls: string[] = [];
  /** Number of documents of each upsert. */
  readonly upserts: number[] = [];
  /** Runs before each call; may throw, or never end. */
  before: (call: string, signal: AbortSignal | undefined) => unknown = () => {};

  async upsert(documents: readonly StoredDocument[], options?: StoreCallOptions): Promise<void> {
    await this.note("upsert", options);
    this.upserts.push(documents.length);
    for (const document of documents) this.documents.set(document.id, document);
  }

  async delete(target: DeleteTarget, options?: StoreCallOptions): Promise<number> {
    await this.note("delete", options);
    const ids =
      "ids" in target
        ? target.ids
        : [...this.documents.values()].filter((one) => passes(one, target.filter)).map(({ id }) => id);
    return ids.filter((id) => this.documents.delete(id)).length;
  }

  async get(ids: readonly string[], options?: StoreCallOptions): Promise<(StoredDocument | undefined)[]> {
    await this.note("get", options);
    return ids.map((id) => this.documents.get(id));
  }

  async count(): Promise<number> {
    return this.documents.size;
  }

  async *iterate(): AsyncIterable<StoredDocument> {
    yield* this.documents.values();
  }

  async searchSparse(
    name: string,
    query: SparseVector,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    await this.note("searchSparse", options);
    return this.best(options, ({ vectors }) => {
      const vector = vectors[name] as SparseVector | undefined;
      return vector?.indices.some((index) => query.get(index) !== 0) ? query.dot(vector) : undefined;
    });
  }

  async searchDense(
    name: string,
    query: Float32Array,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    await this.note("searchDense", options);
    return this.best(options, ({ vectors }) => {
      const vector = vectors[name] as Float32Array | undefined;
      return vector?.reduce((sum, value, index) => sum + value * query[index]!, 0);
    });
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  private best(
    { k = 10, filter }: StoreSearchOptions,
    scoreOf: (document: StoredDocument) => number | undefined,
  ): StoreHit[] {
    return [...this.documents.values()]
      .filter((document) => passes(document, filter))
      .flatMap((document) => {
        const score = scoreOf(document);
        const { id, text, metadata } = document;
        return score === undefined ? [] : [{ id, score, text, metadata }];
      })
      .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
      .slice(0, k);
  }

  private async note(call: string, options: StoreCallOptions | undefined): Promise<void> {
    this.calls.push(call);
    await this.before(call, options?.signal);
  }
}

function passes({ metadata }: StoredDocument, filter: Filter | undefined): boolean {
  return Object.entries(filter ?? {}).every(([name, wanted]) =>
    name === "$and"
      ? (wanted as readonly Filter[]).every((one) => passes({ metadata } as StoredDocument, one))
      : metadata[name] === wanted,
  );
}
