import type { DenseMetric, DimCounts, SparseVector } from "../vector/index.ts";
import type { Filter } from "./filter/filter.ts";
import type { Metadata, MetadataValue } from "./metadata.ts";

export type { DenseMetric, Metadata, MetadataValue };

/** A document as a store keeps it. */
export interface StoredDocument {
  /** Well-formed, 1 to 1,024 UTF-16 code units. */
  readonly id: string;
  /** What searches give back. */
  readonly text: string;
  /** What filters look at: an object of JSON. */
  readonly metadata: Metadata;
  /**
   * Vectors by name, such as `{ sparse, keyword, dense }`. A document may lack some: the searches of those do not find
   * it. A name stands for one kind and one dimension throughout a store.
   */
  readonly vectors: Readonly<Record<string, SparseVector | Float32Array>>;
}

/** Kind and width of the vectors of one name. Sparse ones are compared by dot product. */
export type VectorField =
  | {
      /** Sparse vectors. */
      readonly kind: "sparse";
      /** Width of a vector. */
      readonly dimension: number;
      /** What made the vectors, in a line of text; see {@link Store.bindEncoder}. */
      readonly encoder?: string | undefined;
    }
  | {
      /** Dense vectors. */
      readonly kind: "dense";
      /** Width of a vector. */
      readonly dimension: number;
      /** How vectors are compared. Default `cosine`. */
      readonly metric?: DenseMetric;
    };

/** Vectors of a store by name. */
export type VectorSchema = Readonly<Record<string, VectorField>>;

/** A document found by a search. */
export interface StoreHit {
  /** Id of the document. */
  readonly id: string;
  /** Its score; larger is better. */
  readonly score: number;
  /** Its text. */
  readonly text: string;
  /** Its metadata. */
  readonly metadata: Metadata;
}

/** What a store can do. A call that needs more is refused with `STORE_UNSUPPORTED`, by name. */
export interface StoreCapabilities {
  /** Whether sparse vectors can be kept and searched. */
  readonly sparse: boolean;
  /** Whether dense vectors can be kept and searched. */
  readonly dense: boolean;
  /** Operators that filters may use. */
  readonly filters: ReadonlySet<string>;
  /** True if every search gives the true best hits; false if an approximate index may miss some. */
  readonly exact: boolean;
  /** True if what was acknowledged survives the end of this process. */
  readonly durable: boolean;
  /** Most active dims of a sparse vector; undefined for no limit. */
  readonly maximumActiveDims?: number | undefined;
  /** False if weights of documents and queries must be above zero; otherwise they may be of any sign. */
  readonly negativeWeights?: boolean | undefined;
  /** Largest `k` of a search; undefined for no limit. */
  readonly maximumK?: number | undefined;
  /** Fusions that the engine itself does in `searchHybrid`; undefined for none. */
  readonly nativeFusions?: ReadonlySet<NativeFusion["native"]> | undefined;
  /** True if `countDims` counts the documents that are stored. */
  readonly countsDims?: boolean | undefined;
  /** Upserts under way at once that keep the store busy: as many batches `copyStore` and `HybridRetriever.add` send. Default 1. */
  readonly writesAtOnce?: number | undefined;
}

/** What {@link Store.bindEncoder} keeps. */
export interface BoundEncoder {
  /** Width of the vectors. */
  readonly dimension: number;
  /** What their numbers depend on beside the documents, in a line of text. */
  readonly fingerprint: string;
}

/** Options of every call. */
export interface StoreCallOptions {
  /** Ends the call with an `ABORTED` error as soon as it can be; what it had changed by then stays. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `count`. */
export interface StoreCountOptions extends StoreCallOptions {
  /** Only documents whose metadata pass. */
  readonly filter?: Filter | undefined;
}

/** Options of `iterate`. */
export interface StoreIterateOptions extends StoreCountOptions {
  /** Only documents whose ids come after this one. */
  readonly after?: string | undefined;
  /** Documents fetched at once. Default 500. */
  readonly batchSize?: number | undefined;
}

/** Options of a search. */
export interface StoreSearchOptions extends StoreCallOptions {
  /** Number of hits, at least 1. Default 10. */
  readonly k?: number | undefined;
  /** Only documents whose metadata pass. */
  readonly filter?: Filter | undefined;
}

/**
 * A fusion that the engine does itself, in one request for all searches. Engines differ in what they call by one name, and in
 * the order of equal scores, so the same documents rank differently on another engine.
 */
export interface NativeFusion {
  /**
   * By ranks (`rrf`), by the distribution of the scores (`dbsf`), by scores from the worst of a search, 0, to its best, 1
   * (`minMax`), or the sum of scores as the engine scales them (`weighted`).
   */
  readonly native: "rrf" | "dbsf" | "minMax" | "weighted";
  /** Of `rrf`: how slowly the value 1 / (k + rank) falls, ranks from 1. A whole number of at least 1. Default 60. */
  readonly k?: number | undefined;
}

/** One of the searches that a `searchHybrid` fuses. */
export interface HybridSearch {
  /** Name of the vectors. */
  readonly vector: string;
  /** The query: a sparse or a dense vector. */
  readonly query: SparseVector | Float32Array;
  /** Hits that go into the fusion, at least 1. Default 100. */
  readonly k?: number | undefined;
  /** Only documents whose metadata pass. */
  readonly filter?: Filter | undefined;
  /** What the search counts: above 0. Default 1. */
  readonly weight?: number | undefined;
}

/** Options of `searchHybrid`. */
export interface HybridSearchOptions extends StoreCallOptions {
  /** The fusion of the engine. */
  readonly fusion: NativeFusion;
  /** Number of hits, at least 1. Default 10. */
  readonly k?: number | undefined;
}

/** Which documents to delete. */
export type DeleteTarget = { readonly ids: readonly string[] } | { readonly filter: Filter };

/**
 * Where documents with sparse and dense vectors are kept and found. Every backend passes the same conformance suite.
 *
 * Hits come best first; equal scores by id, smaller first. A document is a hit of a sparse search if it shares an active
 * dim with the query, and of a dense search if it has a vector of that name. An empty query vector has no hits. Calls may
 * be under way at once; a call that resolved is seen by all calls made after it. After `close` every call is refused with
 * `CLOSED`.
 */
export interface Store extends AsyncDisposable {
  /** Short name of the backend for messages, such as `memory`. */
  readonly name: string;
  /** What the store can do. */
  readonly capabilities: StoreCapabilities;
  /** The tenant to whose documents the store keeps; undefined for a store without tenants. */
  readonly tenant?: string | undefined;

  /**
   * Adds documents, each in place of the one that has its id, if any. All or none of a call; when it resolves, they are
   * stored. Nothing of what was given is kept or changed.
   * @throws SparseEncoderError `INVALID_DOCUMENT` for a bad id, text or metadata, or an id that comes twice;
   * `INVALID_VECTOR` for weights that are not finite, or zeros that are to be compared by cosine; `STORE_MISMATCH` for a
   * vector of another name, kind or dimension; `STORE_UNSUPPORTED`; `STORE_FAILED`
   */
  upsert(documents: readonly StoredDocument[], options?: StoreCallOptions): Promise<void>;

  /**
   * Deletes documents; resolves with how many there were. Unknown ids are passed over.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_FILTER`, `STORE_FAILED`
   */
  delete(target: DeleteTarget, options?: StoreCallOptions): Promise<number>;

  /** The documents of these ids, in their order, which may come twice; undefined where there is none. */
  get(ids: readonly string[], options?: StoreCallOptions): Promise<(StoredDocument | undefined)[]>;

  /** Number of documents that pass the filter; of all documents without a filter. */
  count(options?: StoreCountOptions): Promise<number>;

  /**
   * All documents, or those after an id, in rising order of id by UTF-16 code units; a document that is changed meanwhile
   * comes in one of its states or not at all.
   */
  iterate(options?: StoreIterateOptions): AsyncIterable<StoredDocument>;

  /**
   * The documents of highest dot product with `query` among the vectors named `vector`. A name that is none of the store's
   * is refused; a store that learns its names from documents finds nothing before it has any.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_FILTER`, `INVALID_VECTOR`, `STORE_UNSUPPORTED`
   */
  searchSparse(vector: string, query: SparseVector, options?: StoreSearchOptions): Promise<StoreHit[]>;

  /** The documents closest to `query` among the dense vectors named `vector`, by the metric of that name. */
  searchDense(vector: string, query: Float32Array, options?: StoreSearchOptions): Promise<StoreHit[]>;

  /**
   * Several searches, whose hits the engine makes one ranking of, in one request. Only stores whose `capabilities` name
   * `nativeFusions` have it. Scores are the engine's; which of equal ones stand at the end of the list is up to it.
   * @throws SparseEncoderError as the searches do; `STORE_UNSUPPORTED` for a fusion, or weights, that the engine lacks
   */
  searchHybrid?(searches: readonly HybridSearch[], options: HybridSearchOptions): Promise<StoreHit[]>;

  /**
   * How many documents have sparse vectors of this name, and in how many of them each of the dims is active, at the time of
   * the call: what the idf of BM25 is made of. Retrievers ask before they search, so that queries are weighed by the documents
   * that are stored. Only stores whose `capabilities` say `countsDims` have it; an encoder counts documents itself for others.
   */
  countDims?(vector: string, dims: readonly number[], options?: StoreCallOptions): Promise<DimCounts>;

  /**
   * Keeps with the vectors of a name what made them, such as `bm25/2 language=en …`, and refuses another one while there are
   * such vectors: dims of another encoder mean other things. Retrievers call it before they add documents of an encoder that
   * has a `fingerprint`. As durable as the documents; what was kept stands in `vectors`. A store that cannot keep it only
   * compares it with what its options declare.
   * @throws SparseEncoderError `STORE_MISMATCH`
   */
  bindEncoder?(vector: string, encoder: BoundEncoder, options?: StoreCallOptions): Promise<void>;

  /** Kind, dimension and metric of the vectors by name, and their encoders, as far as they are known. */
  readonly vectors?: VectorSchema;

  /** Waits for calls under way, then frees what this store opened. Calling it again does nothing more. */
  close(): Promise<void>;
}
