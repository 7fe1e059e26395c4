import type { DocumentInterface } from "@langchain/core/documents";
import type { VectorStoreInterface, VectorStoreRetrieverInterface } from "@langchain/core/vectorstores";
import type { DocumentFilter } from "@sparse-encoder/core/internal";
import { HybridRetriever } from "../retriever/hybrid-retriever.ts";
import type { HybridRetrieverCoreInput } from "../retriever/hybrid-retriever-options.ts";
import type { AddDocumentsOptions } from "./vector-store-options.ts";

/** Documents that a retriever finds where its options do not say: core's default. */
const defaultK = 10;

/** A vector store that the retriever adds documents to. */
export interface AddingVectorStore extends VectorStoreInterface {
  addDocuments(documents: DocumentInterface[], options?: AddDocumentsOptions): Promise<string[]>;
}

/**
 * A hybrid retriever over one vector store, made by its `asHybridRetriever`. It has the members of LangChain's
 * `VectorStoreRetriever` and takes its place, such as the child retriever of a `ParentDocumentRetriever`.
 */
export class HybridVectorStoreRetriever extends HybridRetriever implements VectorStoreRetrieverInterface {
  /** The store that is searched. */
  readonly vectorStore: AddingVectorStore;
  /** Documents to find; a call may say otherwise. */
  readonly k: number;
  /** How the store is searched. */
  readonly searchType: string;
  /** Filter of all calls. */
  readonly filter?: DocumentFilter;

  constructor(vectorStore: AddingVectorStore, input: HybridRetrieverCoreInput) {
    super(input);
    this.vectorStore = vectorStore;
    this.k = input.k ?? defaultK;
    this.searchType = input.mmr ? "mmr" : "similarity";
    if (input.filter !== undefined) this.filter = input.filter;
  }

  static override lc_name(): string {
    return "HybridVectorStoreRetriever";
  }

  /** As `addDocuments` of the vector store. */
  addDocuments(documents: DocumentInterface[], options?: AddDocumentsOptions): Promise<string[]> {
    return this.vectorStore.addDocuments(documents, options);
  }

  /** Kind of the vector store. */
  _vectorstoreType(): string {
    return this.vectorStore._vectorstoreType();
  }
}
