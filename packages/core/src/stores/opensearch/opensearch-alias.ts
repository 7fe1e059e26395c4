import type { EngineClient } from "../engine/engine-client.ts";
import type { AliasEngine } from "../store-alias.ts";
import { targetOf } from "./opensearch-alias-target.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import { checkMade, exists } from "./opensearch-index.ts";

/** Aliases of a cluster. */
export function aliasEngine(
  engine: EngineClient<OpenSearchConnection>,
  call = "OpenSearchStore.switchAlias",
): AliasEngine {
  const ask = <Result>(request: (client: OpenSearchConnection) => Promise<Result>) =>
    engine.attempt(undefined, request);
  return {
    call,
    what: "index",
    targetOf: (alias) => ask((client) => targetOf(client, alias)),
    exists: (index) => ask((client) => exists(client, index)),
    check: (index) => ask((client) => checkMade(client, index)),
    point: async (alias, to, from) => {
      const add = { add: { index: to, alias } };
      // The request is refused as a whole if the alias names something else by now.
      const remove = { remove: { index: from, alias, must_exist: true } };
      const actions = from === undefined ? [add] : [remove, add];
      await ask(async (client) => client.indices.updateAliases({ body: { actions } }));
    },
  };
}
