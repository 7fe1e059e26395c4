import { SparseEncoderError } from "../../errors.ts";
import type { EngineClient } from "../engine/engine-client.ts";
import type { AliasEngine } from "../store-alias.ts";
import { type MilvusConnection, MilvusRefusal, succeeded } from "./milvus-client.ts";
import { checkMade, hasCollection } from "./milvus-collection.ts";

/** The code of an alias that does not exist. */
const aliasNotFound = "1600";

/** The collection that an alias names; undefined if there is no such alias. */
export async function targetOf(client: MilvusConnection, alias: string): Promise<string | undefined> {
  try {
    // The client wants a name of a collection, and does not send it.
    const { collection } = succeeded(await client.describeAlias({ alias, collection_name: alias }));
    // Milvus Lite answers with nothing, as it has no aliases.
    return collection === undefined || collection === "" ? undefined : collection;
  } catch (error) {
    if (!(error instanceof MilvusRefusal)) throw error;
    if (error.code === aliasNotFound || /alias.*not (found|exist)/i.test(error.message)) return undefined;
    throw error;
  }
}

/** Aliases of a server. */
export function aliasEngine(engine: EngineClient<MilvusConnection>): AliasEngine {
  const ask = <Result>(request: (client: MilvusConnection) => Promise<Result>) =>
    engine.attempt(undefined, request);
  const target = (alias: string) => ask((client) => targetOf(client, alias));
  return {
    call: "MilvusStore.switchAlias",
    what: "collection",
    targetOf: target,
    exists: (collection) => ask((client) => hasCollection(client, collection)),
    check: (collection) => ask((client) => checkMade(client, collection)),
    point: async (alias, to, from) => {
      const request = { alias, collection_name: to };
      await ask(async (client) =>
        succeeded(await (from === undefined ? client.createAlias(request) : client.alterAlias(request))),
      );
      if ((await target(alias)) === to) return;
      throw new SparseEncoderError("STORE_UNSUPPORTED", "This Milvus has no aliases, as Milvus Lite.");
    },
  };
}
