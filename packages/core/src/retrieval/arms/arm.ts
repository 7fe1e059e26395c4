import type { Filter, Metadata, Store } from "../../stores/index.ts";
import type { ArmCallOptions, ArmEncoder, Embeddings, EmbedFunction, TextEmbedder } from "./text-embedder.ts";

/** Settings of an arm, for all calls or for one. */
export interface ArmSettings {
  /** Hits that the arm gives to the fusion. Default: 100, or the call's k if that is larger. */
  readonly k?: number | undefined;
  /** What the arm counts in the fusion. Default 1, or what the fusion function says. An arm of weight 0 is not asked. */
  readonly weight?: number | undefined;
  /** Hits of a lower score are dropped before the fusion. Default: no hits are dropped. */
  readonly minScore?: number | undefined;
  /** Only documents whose metadata pass this filter and the filter of the call. */
  readonly filter?: Filter | undefined;
  /** Milliseconds after which the arm has failed. Default: only the limit of the call. */
  readonly timeout?: number | undefined;
}

/** An arm that searches vectors in a store. */
export interface VectorArm extends ArmSettings {
  /** Where the vectors are kept and searched. */
  readonly store: Store;
  /** Name of the vectors in the store. Default: the name of the arm. */
  readonly vector?: string | undefined;
}

/** An arm with an encoder of this library, or with an encoder of the same form. */
export interface EncoderArm extends VectorArm {
  /** Makes the vectors of queries and documents. */
  readonly encoder: ArmEncoder;
}

/** An arm with dense vectors from elsewhere: a framework's embeddings, an API. */
export interface EmbedArm extends VectorArm {
  /** Makes the dense vectors of queries and documents. */
  readonly embed: EmbedFunction | Embeddings;
}

/** An arm that is any search, as long as its hits come best first. */
export interface FunctionArm extends ArmSettings {
  /** Searches. */
  readonly retrieve: RetrieveFunction;
}

/** One arm of a hybrid retriever. */
export type ArmOptions = EncoderArm | EmbedArm | FunctionArm;

/**
 * An arm in one call. For an arm of the retriever: other settings, another encoder, or another search. Under a new name: a
 * whole arm, as {@link ArmOptions}, for this call only.
 */
export interface CallArm extends ArmSettings {
  /** Makes vectors in this call. Default: the encoder of the arm. */
  readonly encoder?: ArmEncoder | undefined;
  /** Makes dense vectors in this call. Default: the function of the arm. */
  readonly embed?: EmbedFunction | Embeddings | undefined;
  /** Searches in this call. Default: the function of the arm. */
  readonly retrieve?: RetrieveFunction | undefined;
  /** Store of a new arm. */
  readonly store?: Store | undefined;
  /** Name of the vectors in the store of a new arm. Default: the name of the arm. */
  readonly vector?: string | undefined;
}

/** A hit of a {@link RetrieveFunction}. */
export interface FoundDocument {
  /** Undefined for a document without an id, which is known by its text. */
  readonly id?: string | undefined;
  /** Given by all hits of a query or by none. Without scores, a hit counts 1 / rank, ranks from 1. */
  readonly score?: number | undefined;
  /** Looked up by id in the stores of the other arms if it is absent. */
  readonly text?: string | undefined;
  /** Looked up by id in the stores of the other arms if it is absent. */
  readonly metadata?: Metadata | undefined;
  /** Anything. It comes back on the document that the retriever returns. */
  readonly payload?: unknown;
}

/** What functions of a call receive beside their arguments. */
export interface CallContext extends ArmCallOptions {
  /** The option `context` of the call. */
  readonly context?: unknown;
}

/** Finds, for each query, at most k documents, best first. */
export type RetrieveFunction = (
  queries: string[],
  options: CallContext & { readonly k: number; readonly filter: Filter | undefined },
) => PromiseLike<readonly (readonly FoundDocument[])[]>;

/** The vectors of an arm: what makes them and where they are stored. */
export interface VectorSource {
  readonly embedder: TextEmbedder;
  readonly store: Store;
  readonly vector: string;
}

/** An arm, checked. It has either a source of vectors or a function. */
export type Arm = StoreArm | SearchArm;

/** An arm that searches vectors in a store. */
export interface StoreArm extends ArmSettings {
  readonly name: string;
  readonly source: VectorSource;
  readonly retrieve: undefined;
}

/** An arm that is a function. */
export interface SearchArm extends ArmSettings {
  readonly name: string;
  readonly source: undefined;
  readonly retrieve: RetrieveFunction;
}
