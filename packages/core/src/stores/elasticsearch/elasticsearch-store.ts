import { EngineClient } from "../engine/engine-client.ts";
import { checkOpenOptions } from "../engine/engine-options.ts";
import { aliasEngine } from "../opensearch/opensearch-alias.ts";
import { OpenSearchBackend } from "../opensearch/opensearch-backend.ts";
import { type AliasResult, switchAlias } from "../store-alias.ts";
import { StoreFront } from "../store-front.ts";
import { openingOf } from "./elasticsearch-connection.ts";
import {
  checkElasticsearchAlias,
  checkElasticsearchOptions,
  type ElasticsearchAliasOptions,
  type ElasticsearchStoreOptions,
} from "./elasticsearch-options.ts";

/**
 * Documents in Elasticsearch, from version 8.15 on. **Never met a real server**: it was written from Elastic's documentation and
 * tested with its client against a fake of the requests that are documented there.
 *
 * Sparse vectors are fields of type `sparse_vector`, found by the query of that name with weights of dims. The index keeps
 * weights to 9 bits, so a search reads on until no further document can be better, and computes scores from the exact
 * weights. A dense query is compared with every vector, unless `exact` is false. Weights must be above zero. There are no
 * transactions: a failed upsert may have stored some of its documents, each whole; making it again completes it.
 *
 * @example
 * await using store = await ElasticsearchStore.open({ url: "https://localhost:9200", auth: { apiKey }, vectors });
 */
export class ElasticsearchStore extends StoreFront {
  private constructor(backend: OpenSearchBackend) {
    super(backend);
  }

  /**
   * Connects, and makes the index if there is none.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; `MISSING_PACKAGE`; `STORE_MISMATCH` for an index made
   * by another program, for another model, or with other vectors; `STORE_UNSUPPORTED`; `STORE_FAILED`
   */
  static async open(options: ElasticsearchStoreOptions): Promise<ElasticsearchStore> {
    checkOpenOptions("ElasticsearchStore.open", options, "{ url }");
    const checked = checkElasticsearchOptions(options);
    return new ElasticsearchStore(await OpenSearchBackend.open(openingOf(options, checked), checked));
  }

  /**
   * Lets an alias name another index, in one step: a store that is opened by the alias has the index from before or the new
   * one. Stores that are open keep to the index that they were opened with, and refuse changes with `STORE_MISMATCH`.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a name that is not allowed, and an index that does not exist;
   * `STORE_MISMATCH` for an index of another program, an alias that does not name `from`, and the name of an index;
   * `STORE_FAILED`
   */
  static async switchAlias(options: ElasticsearchAliasOptions): Promise<AliasResult> {
    const call = "ElasticsearchStore.switchAlias";
    checkOpenOptions(call, options, "{ url, alias, to }");
    const checked = checkElasticsearchAlias(options);
    return EngineClient.use(openingOf(options, checked), (engine) =>
      switchAlias(aliasEngine(engine, call), checked),
    );
  }
}
