import { EngineClient } from "../engine/engine-client.ts";
import { checkOpenOptions } from "../engine/engine-options.ts";
import { type AliasResult, switchAlias } from "../store-alias.ts";
import { StoreFront } from "../store-front.ts";
import { aliasEngine } from "./opensearch-alias.ts";
import { OpenSearchBackend } from "./opensearch-backend.ts";
import { openingOf } from "./opensearch-connection.ts";
import { openSearchDialect } from "./opensearch-dialect.ts";
import {
  checkOpenSearchAlias,
  checkOpenSearchOptions,
  type OpenSearchAliasOptions,
  type OpenSearchStoreOptions,
} from "./opensearch-options.ts";

/**
 * Documents in OpenSearch with its plugins neural-search and k-NN. Tested on OpenSearch 2.19.1, one
 * node and three; with security on, against a fake only.
 *
 * Sparse vectors are rank features, found by `neural_sparse` with raw tokens. The index keeps weights to 9 bits, so
 * a search reads on until no further document can be better, and computes scores from the exact weights. A dense query is
 * compared with every vector. Weights must be above zero. There are no transactions: a failed upsert may have stored some
 * of its documents, each whole; making it again completes it.
 *
 * @example
 * await using store = await OpenSearchStore.open({ url: "https://localhost:9200", auth, vectors });
 */
export class OpenSearchStore extends StoreFront {
  private constructor(backend: OpenSearchBackend) {
    super(backend);
  }

  /**
   * Connects, and makes the index if there is none.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; `MISSING_PACKAGE`; `STORE_MISMATCH` for an index made
   * by another program, for another model, or with other vectors; `STORE_UNSUPPORTED`; `STORE_FAILED`
   */
  static async open(options: OpenSearchStoreOptions): Promise<OpenSearchStore> {
    checkOpenOptions("OpenSearchStore.open", options, "{ url }");
    const checked = checkOpenSearchOptions(options);
    return new OpenSearchStore(await OpenSearchBackend.open(openingOf(options, checked), checked));
  }

  /**
   * Lets an alias name another index, in one step: a store that is opened by the alias has the index from before or the new
   * one. Stores that are open keep to the index that they were opened with, and refuse changes with `STORE_MISMATCH`.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a name that is not allowed, and an index that does not exist;
   * `STORE_MISMATCH` for an index of another program, an alias that does not name `from`, and the name of an index;
   * `STORE_FAILED`
   */
  static async switchAlias(options: OpenSearchAliasOptions): Promise<AliasResult> {
    checkOpenOptions("OpenSearchStore.switchAlias", options, "{ url, alias, to }");
    const checked = checkOpenSearchAlias(options);
    return EngineClient.use(openingOf(checked, { ...checked, dialect: openSearchDialect }), (engine) =>
      switchAlias(aliasEngine(engine), checked),
    );
  }
}
