import { checkOpenOptions } from "../engine/engine-options.ts";
import { StoreFront } from "../store-front.ts";
import { OpenSearchBackend } from "./opensearch-backend.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import { connect, rulesOf } from "./opensearch-connection.ts";
import { checkOpenSearchOptions, type OpenSearchStoreOptions } from "./opensearch-options.ts";

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
    const opening = {
      rules: rulesOf(checked, options.auth?.password),
      client: options.client,
      connect: () => connect(options, checked),
      disconnect: (client: OpenSearchConnection) => client.close(),
    };
    return new OpenSearchStore(await OpenSearchBackend.open(opening, checked));
  }
}
