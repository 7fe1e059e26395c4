interface Answer<Body> {
  readonly body: Body;
}

/** A document as a search gives it. */
export interface OpenSearchHit {
  readonly _id?: string | undefined;
  readonly _score?: number | null | undefined;
  readonly _source?: Readonly<Record<string, unknown>> | undefined;
  readonly sort?: readonly unknown[] | undefined;
}

/** What became of one item of a bulk. */
export interface OpenSearchItem {
  readonly status: number;
  readonly result?: string;
  readonly error?: { readonly type?: string; readonly reason?: string };
}

/** The answer to a search. */
export interface OpenSearchAnswer {
  readonly timed_out?: boolean;
  readonly _shards?: { readonly failed?: number; readonly total?: number };
  readonly hits: {
    readonly hits: readonly OpenSearchHit[];
    readonly total?: { readonly value: number } | number;
  };
  readonly aggregations?: Readonly<Record<string, unknown>>;
}

/** As much of `Client` of the package `@opensearch-project/opensearch` as is used. */
export interface OpenSearchConnection {
  /** Clients that lack it are asked nothing. */
  info?(): Promise<Answer<unknown>>;
  readonly indices: {
    create(request: object): Promise<Answer<unknown>>;
    getMapping(request: object): Promise<Answer<unknown>>;
    putMapping(request: object): Promise<Answer<unknown>>;
    getAlias(request: object): Promise<Answer<unknown>>;
    updateAliases(request: object): Promise<Answer<unknown>>;
  };
  bulk(request: object): Promise<Answer<{ items: readonly Readonly<Record<string, OpenSearchItem>>[] }>>;
  mget(request: object): Promise<
    Answer<{
      docs: readonly {
        found?: boolean;
        error?: unknown;
        _id: string;
        _source?: Readonly<Record<string, unknown>>;
      }[];
    }>
  >;
  count(request: object): Promise<Answer<{ count: number; _shards?: { failed?: number } }>>;
  search(request: object): Promise<Answer<OpenSearchAnswer>>;
  close(): Promise<void>;
}
