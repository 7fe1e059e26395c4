import type { DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { BaseRetrieverInterface } from "@langchain/core/retrievers";
import type {
  ArmEncoder,
  ArmOptions,
  ArmSettings,
  Filter,
  FoundDocument,
  FunctionArm,
  Metadata,
  Store,
} from "@sparse-encoder/core";
import {
  armSettingOptions,
  declareOptions,
  invalidArgument,
  jsonFilter,
  jsonMetadata,
  matches,
  parseFilter,
  received,
  unchecked,
} from "@sparse-encoder/core/internal";

/** An arm that asks a LangChain retriever. */
export interface LangChainRetrieverArm extends ArmSettings {
  /** Any retriever of LangChain. */
  readonly retriever: BaseRetrieverInterface;
  /**
   * Where the documents of the retriever have their scores: a name in the metadata, or a function of a document. Default: they
   * have no scores, and count by rank.
   */
  readonly score?: string | ((document: DocumentInterface) => number) | undefined;
}

/** An arm that searches vectors in a store of the library. */
export interface EmbeddingsArm extends ArmSettings {
  /** `SparseEmbeddings`, `DenseEmbeddings`, or the dense embeddings of any LangChain package. */
  readonly embeddings: EmbeddingsInterface | EncoderEmbeddings;
  /** Where the vectors are kept and searched. */
  readonly store: Store;
  /** Name of the vectors in the store. Default: the name of the arm. */
  readonly vector?: string | undefined;
}

/** Embeddings with an encoder below. */
export interface EncoderEmbeddings {
  /** Makes the vectors. */
  readonly encoder: ArmEncoder;
}

/** One arm of a hybrid retriever: over a retriever, over embeddings and a store, or as core takes it. */
export type HybridRetrieverArm = LangChainRetrieverArm | EmbeddingsArm | ArmOptions;

/** What a call gives the arms that ask LangChain retrievers. */
export interface ArmCall {
  /** Asks a retriever, as a child of the call's run. */
  invoke(
    arm: string,
    retriever: BaseRetrieverInterface,
    query: string,
    signal: AbortSignal,
  ): Promise<DocumentInterface[]>;
}

const retrieverArmOptions = declareOptions<LangChainRetrieverArm>()({
  retriever: unchecked<BaseRetrieverInterface>(),
  score: unchecked<NonNullable<LangChainRetrieverArm["score"]>>(),
  ...armSettingOptions.rules,
});

/** What an arm is for core. */
export function coreArm(name: string, arm: HybridRetrieverArm): ArmOptions {
  if (!isObject(arm)) return arm;
  if ("embeddings" in arm) return embeddingsArm(name, withDates(arm));
  if ("retriever" in arm) return langChainArm(name, withDates(arm));
  return withDates(arm);
}

/** Settings of an arm whose filter compares dates as they are stored. */
export function withDates<Settings extends ArmSettings>(settings: Settings): Settings {
  if (!isObject(settings) || settings.filter === undefined) return settings;
  return { ...settings, filter: jsonFilter(settings.filter) };
}

/** Whether an arm asks a LangChain retriever, which then makes a run of its own. */
export function asksRetriever(arm: HybridRetrieverArm): boolean {
  return "retriever" in arm;
}

/** The part of an arm that says where its vectors come from. */
export function vectorsOf(
  embeddings: EmbeddingsArm["embeddings"],
): { encoder: ArmEncoder } | { embed: EmbeddingsInterface } {
  if ("encoder" in embeddings && isObject(embeddings.encoder)) return { encoder: embeddings.encoder };
  return { embed: embeddings as EmbeddingsInterface };
}

function embeddingsArm(name: string, { embeddings, ...rest }: EmbeddingsArm): ArmOptions {
  if (!isObject(embeddings)) {
    throw invalidArgument(`The arm ${name} needs embeddings, received ${received(embeddings)}.`);
  }
  return { ...rest, ...vectorsOf(embeddings) };
}

function langChainArm(name: string, arm: LangChainRetrieverArm): FunctionArm {
  const nameOf = (option: string) => `The ${option} of the arm ${name}`;
  const { retriever, score, ...settings } = retrieverArmOptions.check(`The arm ${name}`, arm, nameOf);
  if (typeof retriever?.invoke !== "function") {
    throw invalidArgument(`The arm ${name}: retriever must have invoke, received ${received(retriever)}.`);
  }
  return {
    ...settings,
    retrieve: async (queries, { filter, signal, context }) => {
      const { invoke } = context as ArmCall;
      const passes = filterOf(filter);
      return Promise.all(
        queries.map(async (query) => {
          const documents = await invoke(name, retriever, query, signal);
          return documents.filter(passes).map((document) => toFoundDocument(name, document, score));
        }),
      );
    },
  };
}

/** A retriever knows nothing of the filter, so its documents are filtered when they are there. */
function filterOf(filter: Filter | undefined): (document: DocumentInterface, position: number) => boolean {
  if (filter === undefined) return () => true;
  const node = parseFilter(filter);
  return ({ metadata }, position) => matches(node, jsonMetadata(`document ${position}`, metadata) ?? {});
}

function toFoundDocument(
  arm: string,
  document: DocumentInterface,
  score: LangChainRetrieverArm["score"],
): FoundDocument {
  const { id, pageContent: text, metadata } = document;
  // Metadata come back as they are, JSON or not.
  const found = { id, text, metadata: metadata as Metadata, payload: document };
  if (score === undefined) return found;
  const value: unknown = typeof score === "function" ? score(document) : metadata?.[score];
  if (typeof value === "number") return { ...found, score: value };
  throw invalidArgument(
    `The score of a document of the arm ${arm} must be a number, received ${received(value)}.`,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
