import { EngineClient } from "../engine/engine-client.ts";
import { checkOpenOptions } from "../engine/engine-options.ts";
import { type AliasResult, switchAlias } from "../store-alias.ts";
import { StoreFront } from "../store-front.ts";
import { aliasEngine } from "./qdrant-alias.ts";
import { QdrantBackend } from "./qdrant-backend.ts";
import { openingOf } from "./qdrant-connection.ts";
import { checkQdrantAlias, type QdrantAliasOptions, type QdrantStoreOptions } from "./qdrant-options.ts";

/**
 * Documents in Qdrant: a server, a cluster, or its cloud, from version 1.16 on. Tested against Qdrant's own
 * engine behind HTTP of ours, never against a server.
 *
 * Ids of documents become UUIDs and stay in the payload. Filters look at terms and bounds in the payload. Qdrant has no
 * transactions: a failed upsert may have stored some of its documents, each whole; making it again completes it. As Qdrant
 * does not order by ids, `iterate` first reads the ids of all documents that pass.
 *
 * @example
 * await using store = await QdrantStore.open({ url: "http://localhost:6333", vectors });
 */
export class QdrantStore extends StoreFront {
  private constructor(backend: QdrantBackend) {
    super(backend);
  }

  /**
   * Connects, and makes the collection if there is none.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; `MISSING_PACKAGE`; `STORE_MISMATCH` for a collection
   * made by another program, for another model, or with other vectors; `STORE_FAILED`
   */
  static async open(options: QdrantStoreOptions): Promise<QdrantStore> {
    checkOpenOptions("QdrantStore.open", options, "{ url }");
    return new QdrantStore(await QdrantBackend.open(options));
  }

  /**
   * Lets an alias name another collection, in one step: a store that is opened by the alias has the collection from before or
   * the new one. Stores that are open keep to the collection that they were opened with, and refuse changes with
   * `STORE_MISMATCH`.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a name that is not allowed, and a collection that does not exist;
   * `STORE_MISMATCH` for a collection of another program, an alias that does not name `from`, and the name of a collection;
   * `STORE_FAILED`
   */
  static async switchAlias(options: QdrantAliasOptions): Promise<AliasResult> {
    checkOpenOptions("QdrantStore.switchAlias", options, "{ url, alias, to }");
    const checked = checkQdrantAlias(options);
    return EngineClient.use(openingOf(checked, checked), (engine) =>
      switchAlias(aliasEngine(engine), checked),
    );
  }
}
