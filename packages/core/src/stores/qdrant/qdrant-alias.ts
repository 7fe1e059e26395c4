import type { EngineClient } from "../engine/engine-client.ts";
import { askIfAllowed } from "../engine/server-version.ts";
import type { AliasEngine } from "../store-alias.ts";
import type { QdrantConnection } from "./qdrant-client.ts";
import { checkMade } from "./qdrant-collection.ts";

/** The collection that an alias names; undefined if there is no such alias. */
export async function targetOf(client: QdrantConnection, alias: string): Promise<string | undefined> {
  const { aliases } = await client.getAliases();
  return aliases.find(({ alias_name: name }) => name === alias)?.collection_name;
}

/** The collection that a name stands for, as far as the user may know: some keys of a server are for one collection only. */
export async function collectionOf(client: QdrantConnection, name: string): Promise<string> {
  return (await askIfAllowed(() => targetOf(client, name))) ?? name;
}

/** Aliases of a server. */
export function aliasEngine(engine: EngineClient<QdrantConnection>): AliasEngine {
  const ask = <Result>(request: (client: QdrantConnection) => Promise<Result>) =>
    engine.attempt(undefined, request);
  return {
    call: "QdrantStore.switchAlias",
    what: "collection",
    targetOf: (alias) => ask((client) => targetOf(client, alias)),
    exists: (collection) => ask(async (client) => (await client.collectionExists(collection)).exists),
    check: (collection) => ask((client) => checkMade(client, collection)),
    point: async (alias, to, from) => {
      const create = { create_alias: { collection_name: to, alias_name: alias } };
      const remove = { delete_alias: { alias_name: alias } };
      const actions = from === undefined ? [create] : [remove, create];
      await ask((client) => client.updateCollectionAliases({ actions }));
    },
  };
}
