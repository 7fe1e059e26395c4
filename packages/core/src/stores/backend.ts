import type { DimCounts, SparseVector } from "../vector/index.ts";
import type { FilterNode } from "./filter/filter-node.ts";
import type { ResolvedFusion } from "./native-fusion.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "./store.ts";
import type { CheckedDocument } from "./store-arguments.ts";
import type { ResolvedField } from "./vector-fields.ts";

/** A search whose arguments were checked. */
export interface BackendQuery<Vector = SparseVector | Float32Array> {
  /** Name of the vectors. */
  readonly name: string;
  /** Kind, dimension and metric of the vectors of this name. */
  readonly field: ResolvedField;
  /** Fits the field; a sparse query has at least one active dim. */
  readonly vector: Vector;
  /** Number of hits. */
  readonly k: number;
  /** Only documents whose metadata pass. */
  readonly filter: FilterNode | undefined;
  /** Aborts when the result is no longer wanted. */
  readonly signal: AbortSignal | undefined;
}

/** One of the searches that a `searchHybrid` fuses. */
export interface WeightedQuery extends BackendQuery {
  /** Above 0. */
  readonly weight: number;
}

/**
 * What an engine has to do to become a `Store`: write, remove, read, count, page and rank. `createStore` puts the front
 * before a backend, which checks arguments, limits, signals and names of vectors, orders hits, and lets `close` wait for
 * the calls under way. So a backend receives checked arguments that nobody else changes, and no call after `close`.
 *
 * Errors of a backend reach the caller as they are: throw `SparseEncoderError`, `STORE_FAILED` for a failure of the engine.
 * Calls may overlap. A backend looks at `signal` where it waits: the front ends the caller's wait for a read at once, but
 * lets a write finish.
 */
export interface StoreBackend {
  /** Short name for messages, such as `redis`. */
  readonly name: string;
  /** What the engine can do. */
  readonly capabilities: StoreCapabilities;
  /** Kind, dimension and metric of the vectors by name, as known at present. */
  readonly fields: ReadonlyMap<string, ResolvedField>;
  /** The tenant that the backend keeps to; undefined for a backend without tenants. */
  readonly tenant?: string | undefined;
  /** True if documents may not bring further names of vectors. */
  readonly declared: boolean;
  /**
   * True if the hits of a search are the first `k` by score and then by id. Otherwise the front asks for more hits until it
   * knows which of the documents with the last score come first.
   */
  readonly ordersTies: boolean;
  /**
   * True if changes of one document take effect in the order of the calls, also while they overlap. Otherwise the front lets
   * a call wait for calls before it that change one of its documents.
   */
  readonly ordersWrites?: boolean;

  /**
   * Stores documents, each in place of the one with its id: all or none, or each whole. Vectors fit `fields`, except that
   * their names may be new where `declared` is false and there is no `addFields`.
   */
  write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void>;

  /** Asked before each change, and throws if the store may change nothing any more. Default: it may. */
  checkChange?(): Promise<void>;

  /** Deletes the documents of different ids; resolves with how many there were. */
  remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number>;

  /** Deletes the documents that pass; resolves with how many there were. Default: `pages`, then `remove`. */
  removeMatching?(filter: FilterNode, signal: AbortSignal | undefined): Promise<number>;

  /** The documents of different ids, by id; missing ones are left out. */
  read(ids: readonly string[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, StoredDocument>>;

  /** Number of documents that pass. */
  count(filter: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number>;

  /** The documents that pass and whose ids are greater than `after`, in rising order of id by UTF-16 code units. */
  pages(
    after: string,
    filter: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncIterable<readonly StoredDocument[]>;

  /** The documents that share an active dim with the query, highest dot product first. */
  rankSparse(query: BackendQuery<SparseVector>): Promise<StoreHit[]>;

  /** The documents with a vector of this name, closest first. */
  rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]>;

  /** The fused hits of several searches, best first. Needed if `capabilities` names `nativeFusions`. */
  rankHybrid?(
    queries: readonly WeightedQuery[],
    fusion: ResolvedFusion,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<StoreHit[]>;

  /** Adds names of vectors to `fields` before a write that brings them. Calls do not overlap. */
  addFields?(added: ReadonlyMap<string, ResolvedField>): Promise<void>;

  /** In how many documents with sparse vectors of this name each dim is active. Needed if `capabilities` say `countsDims`. */
  countDims?(name: string, dims: readonly number[], signal: AbortSignal | undefined): Promise<DimCounts>;

  /** Puts another field in place of the one of this name, which differs by the encoder, if at all. Calls do not overlap. */
  keepEncoder?(name: string, field: ResolvedField): Promise<void>;

  /**
   * True if there are documents with vectors of this name, of any tenant. Needed where tenants share the encoders that
   * `keepEncoder` keeps. Default: what `countDims` says.
   */
  hasVectors?(name: string): Promise<boolean>;

  /** Looks for names and encoders that other processes added: before a search for a name that `fields` lacks, and `keepEncoder`. */
  refreshFields?(): Promise<void>;

  /** Frees what the backend opened. Called once, after all other calls. */
  close(): Promise<void>;
}
