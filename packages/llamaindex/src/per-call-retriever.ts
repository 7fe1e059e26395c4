import type { QueryBundle, QueryType } from "@llamaindex/core/query-engine";
import { BaseRetriever } from "@llamaindex/core/retriever";
import type { NodeWithScore } from "@llamaindex/core/schema";

/**
 * A retriever of LlamaIndex whose calls may have options. The options travel beside the query, not in the retriever, so that
 * calls under way at once do not mix. The base class sends its events as for any retriever.
 */
export abstract class PerCallRetriever<Options extends object> extends BaseRetriever {
  private readonly calls = new WeakMap<QueryBundle, Options>();

  /** Finds nodes for a query; options hold for this call. */
  override async retrieve(query: QueryType, options?: Options): Promise<NodeWithScore[]> {
    const bundle: QueryBundle = typeof query === "string" ? { query } : { ...query };
    if (options !== undefined) this.calls.set(bundle, options);
    return super.retrieve(bundle);
  }

  /** For the base class; `retrieve` is for callers. */
  _retrieve(bundle: QueryBundle): Promise<NodeWithScore[]> {
    return this._retrieveWith(bundle, this.calls.get(bundle) ?? ({} as Options));
  }

  /** Retrieves without events. */
  abstract _retrieveWith(bundle: QueryBundle, options: Options): Promise<NodeWithScore[]>;
}
