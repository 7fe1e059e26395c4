import { EngineClient } from "../engine/engine-client.ts";
import { checkOpenOptions } from "../engine/engine-options.ts";
import { type AliasResult, switchAlias } from "../store-alias.ts";
import { StoreFront } from "../store-front.ts";
import { aliasEngine } from "./milvus-alias.ts";
import { MilvusBackend } from "./milvus-backend.ts";
import { openingOf } from "./milvus-connection.ts";
import { checkMilvusAlias, type MilvusAliasOptions, type MilvusStoreOptions } from "./milvus-options.ts";

/**
 * Documents in Milvus: a server, a cluster, or its cloud. Sparse vectors are in an inverted index with inner product; a
 * dense query is compared with every vector.
 *
 * Weights must be above zero. Filters look at terms and bounds that are stored beside the metadata, as expressions of
 * Milvus over JSON cannot express all filters. Milvus has no transactions: a failed upsert may have stored some of its
 * documents, each whole; making it again completes it.
 *
 * @example
 * await using store = await MilvusStore.open({ address: "localhost:19530", vectors });
 */
export class MilvusStore extends StoreFront {
  private constructor(backend: MilvusBackend) {
    super(backend);
  }

  /**
   * Connects, and makes the collection if there is none.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; `MISSING_PACKAGE`; `STORE_MISMATCH` for a collection
   * made by another program, for another model, or with other vectors; `STORE_UNSUPPORTED`; `STORE_FAILED`
   */
  static async open(options: MilvusStoreOptions): Promise<MilvusStore> {
    checkOpenOptions("MilvusStore.open", options, "{ address }");
    return new MilvusStore(await MilvusBackend.open(options));
  }

  /**
   * Lets an alias name another collection, in one step: a store that is opened by the alias has the collection from before or
   * the new one. Stores that are open keep to the collection that they were opened with, and refuse changes with
   * `STORE_MISMATCH`.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a name that is not allowed, and a collection that does not exist;
   * `STORE_MISMATCH` for a collection of another program, an alias that does not name `from`, and the name of a collection;
   * `STORE_UNSUPPORTED` for Milvus Lite; `STORE_FAILED`
   */
  static async switchAlias(options: MilvusAliasOptions): Promise<AliasResult> {
    checkOpenOptions("MilvusStore.switchAlias", options, "{ address, alias, to }");
    const checked = checkMilvusAlias(options);
    return EngineClient.use(openingOf(checked, checked), (engine) =>
      switchAlias(aliasEngine(engine), checked),
    );
  }
}
