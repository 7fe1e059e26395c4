import type { BaseEmbedding } from "@llamaindex/core/embeddings";
import type { BaseNode } from "@llamaindex/core/schema";
import { BaseVectorStore } from "@llamaindex/core/vector-store";
import type { Store } from "@sparse-encoder/core";
import { deleteSelected, type NodeSelection, selectedNodes } from "../node-selection.ts";
import type { SignalOptions } from "../sparse-embedding.ts";
import { denseModelOf, signalOptions } from "./hybrid-vector-store-options.ts";
import { refDocFilter } from "./metadata-filters.ts";
import { persistTo } from "./persist.ts";
import type { HybridQueryParams } from "./vector-store-query.ts";

/** The part of a vector store of LlamaIndex that manages the nodes in a store of core. */
export abstract class StoredNodes extends BaseVectorStore<Store, HybridQueryParams> {
  /** True: nodes are kept whole. */
  readonly storesText = true;
  private readonly store: Store;

  protected constructor(store: Store, embedModel: BaseEmbedding | undefined) {
    super({ embedModel: denseModelOf(embedModel) });
    this.store = store;
  }

  /** The core store. */
  client(): Store {
    return this.store;
  }

  /** Deletes the nodes of a source document; a node without a source is its own. */
  async delete(refDocId: string, options?: SignalOptions): Promise<void> {
    await this.store.delete({ filter: refDocFilter(refDocId) }, signalOptions.check("delete", options));
  }

  /** Deletes nodes; unknown ids are passed over. */
  async deleteNodes(selection: NodeSelection, options?: SignalOptions): Promise<void> {
    await deleteSelected(this.store, selection, signalOptions.check("deleteNodes", options));
  }

  /** Nodes by id, in the order of the ids and without unknown ids; or all that pass the filters, by rising id. */
  async getNodes(selection: NodeSelection = {}, options?: SignalOptions): Promise<BaseNode[]> {
    return selectedNodes(this.store, selection, signalOptions.check("getNodes", options));
  }

  /** Deletes all nodes. */
  async clear(options?: SignalOptions): Promise<void> {
    await this.store.delete({ filter: {} }, signalOptions.check("clear", options));
  }

  /**
   * Copies all nodes into a folder, for {@link HybridVectorStore.load}; other nodes in the folder are deleted. Without a
   * folder it only asserts that the store is durable, so that nothing that was added can be lost.
   *
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a store in memory without a folder, and as `MemoryStore.open`
   */
  async persist(folder?: string): Promise<void> {
    await persistTo(folder, this.store);
  }
}
