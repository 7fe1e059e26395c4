import type { DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { BaseRetrieverInterface } from "@langchain/core/retrievers";
import {
  type ArmEncoder,
  type ArmOptions,
  type ArmSettings,
  type Filter,
  type FoundDocument,
  type FunctionArm,
  type Metadata,
  SparseEncoderError,
  type Store,
} from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import { matches, parseFilter } from "@sparse-encoder/core/stores";

/** An arm that asks a LangChain retriever. */
export interface LangChainRetrieverArm extends ArmSettings {
  readonly retriever: BaseRetrieverInterface;
  /**
   * Where the retriever's documents have their scores: a name in the metadata, or a function of a document. Default: they
   * have none, and count by rank.
   */
  readonly score?: string | ((document: DocumentInterface) => number);
}

/** An arm that searches vectors in a store of the library. */
export interface EmbeddingsArm extends ArmSettings {
  /** `SparseEmbeddings`, `DenseEmbeddings`, or the dense embeddings of any LangChain package. */
  readonly embeddings: EmbeddingsInterface | EncoderEmbeddings;
  readonly store: Store;
  /** Name of the vectors in the store. Default: the name of the arm. */
  readonly vector?: string;
}

/** Embeddings with an encoder below. */
export interface EncoderEmbeddings {
  readonly encoder: ArmEncoder;
}

/** One arm of a hybrid retriever: over a retriever, over embeddings and a store, or as core takes it. */
export type HybridRetrieverArm = LangChainRetrieverArm | EmbeddingsArm | ArmOptions;

/** How a document is known over the arms; see `HybridRetrieverInput.idKey`. */
export type IdKey = string | ((document: DocumentInterface) => string);

/** What one call gives the arms that ask LangChain retrievers. */
export interface ArmCall {
  /** Asks a retriever, as a child of the call's run. */
  invoke(
    arm: string,
    retriever: BaseRetrieverInterface,
    query: string,
    signal: AbortSignal,
  ): Promise<DocumentInterface[]>;
  /** The ids of documents, by what they are known by; filled by the arms. */
  readonly ids: Map<string, string | undefined>;
}

/** What an arm is for core. */
export function coreArm(name: string, arm: HybridRetrieverArm, idKey: IdKey | undefined): ArmOptions {
  if (isObject(arm) && "embeddings" in arm) return embeddingsArm(name, arm);
  if (isObject(arm) && "retriever" in arm) return langChainArm(name, arm, idKey);
  return arm;
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

function langChainArm(name: string, arm: LangChainRetrieverArm, idKey: IdKey | undefined): FunctionArm {
  const { retriever, score, ...settings } = arm;
  const names = ["retriever", "score", "k", "weight", "minScore", "filter", "timeout"];
  checkOptionNames(`The arm ${name}`, arm, names);
  if (!isObject(retriever) || typeof retriever.invoke !== "function") {
    throw invalidArgument(`The arm ${name}: retriever must have invoke, received ${received(retriever)}.`);
  }
  return {
    ...settings,
    retrieve: async (queries, { filter, signal, context }) => {
      const call = context as ArmCall;
      const passes = filterOf(filter);
      return Promise.all(
        queries.map(async (query) => {
          const documents = await call.invoke(name, retriever, query, signal);
          return documents
            .filter(passes)
            .map((document) => toFoundDocument(name, document, idKey, score, call.ids));
        }),
      );
    },
  };
}

/** A retriever knows nothing of our filters, so its documents are filtered when they are there. */
function filterOf(filter: Filter | undefined): (document: DocumentInterface) => boolean {
  if (filter === undefined) return () => true;
  const node = parseFilter(filter);
  return ({ metadata }) => matches(node, (metadata ?? {}) as Metadata);
}

function toFoundDocument(
  arm: string,
  document: DocumentInterface,
  idKey: IdKey | undefined,
  score: LangChainRetrieverArm["score"],
  ids: Map<string, string | undefined>,
): FoundDocument {
  const id = keyOf(arm, document, idKey);
  if (!ids.has(id)) ids.set(id, document.id);
  const { pageContent: text, metadata } = document;
  const found = { id, text, metadata: metadata as Metadata };
  if (score === undefined) return found;
  const value: unknown = typeof score === "function" ? score(document) : metadata?.[score];
  if (typeof value !== "number") {
    throw invalidArgument(
      `The score of a document of the arm ${arm} must be a number, received ${received(value)}.`,
    );
  }
  return { ...found, score: value };
}

function keyOf(arm: string, document: DocumentInterface, idKey: IdKey | undefined): string {
  if (idKey === undefined) {
    // A text as a key is marked, so that it is never another document's id.
    return document.id ?? `\u0000text:${document.pageContent}`;
  }
  const key: unknown = typeof idKey === "function" ? idKey(document) : document.metadata?.[idKey];
  if (typeof key === "number") return `${key}`;
  if (typeof key !== "string" || key === "") {
    const where = typeof idKey === "function" ? "what idKey gives" : `metadata.${idKey}`;
    throw invalidArgument(
      `A document of the arm ${arm} needs a key, but ${where} is ${received(key)}; give it one, or choose another idKey.`,
    );
  }
  return key;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function invalidArgument(message: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_ARGUMENT", message);
}
