/** The status of an answer. */
export interface MilvusStatus {
  readonly error_code?: string | number;
  readonly code?: number;
  readonly reason?: string;
}

type Answer = MilvusStatus & { readonly status?: MilvusStatus };

export type MilvusRow = Readonly<Record<string, unknown>>;

/** As much of `MilvusClient` of the package `@zilliz/milvus2-sdk-node` as is used. */
export interface MilvusConnection {
  /** Clients that lack it are asked nothing. */
  getVersion?(): Promise<Answer & { readonly version?: string }>;
  showCollections(request: object): Promise<Answer & { readonly data: readonly { readonly name: string }[] }>;
  describeCollection(request: object): Promise<
    Answer & {
      readonly schema: {
        readonly description: string;
        readonly fields: readonly { readonly name: string }[];
      };
    }
  >;
  createCollection(request: object): Promise<Answer>;
  hasPartition(request: object): Promise<Answer & { readonly value?: unknown }>;
  createPartition(request: object): Promise<Answer>;
  describeAlias(request: object): Promise<Answer & { readonly collection?: string }>;
  createAlias(request: object): Promise<Answer>;
  alterAlias(request: object): Promise<Answer>;
  createIndex(request: object): Promise<Answer>;
  loadCollectionSync(request: object): Promise<Answer>;
  upsert(request: object): Promise<Answer & { readonly err_index?: readonly unknown[] }>;
  delete(request: object): Promise<Answer>;
  query(request: object): Promise<Answer & { readonly data: readonly MilvusRow[] }>;
  search(request: object): Promise<Answer & { readonly results: readonly MilvusRow[] }>;
  hybridSearch(request: object): Promise<Answer & { readonly results: readonly MilvusRow[] }>;
  closeConnection(): Promise<unknown>;
}

/** What the server said no to. */
export class MilvusRefusal extends Error {
  readonly code: string;

  constructor({ error_code, code, reason }: MilvusStatus) {
    super(reason === undefined || reason === "" ? `error ${error_code ?? code}` : reason);
    this.code = String(error_code ?? code);
  }
}

/** Passes an answer on if it is one of success: the client gives the others as if they were results. */
export function succeeded<Given extends Answer>(answer: Given): Given {
  const status = answer.status ?? answer;
  if (
    (status.error_code === undefined || status.error_code === "Success" || status.error_code === 0) &&
    !status.code
  ) {
    return answer;
  }
  throw new MilvusRefusal(status);
}
