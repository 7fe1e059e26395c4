import type { TestProject } from "vitest/node";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { givenServers, type QdrantAddress, type Servers } from "./servers/addresses.ts";
import { EdgeEngine } from "./servers/edge-engine.ts";
import { missingForOpenSearch, OpenSearchCluster } from "./servers/opensearch-server.ts";
import {
  checkUnused,
  type NamedServer,
  namedMilvus,
  namedOpenSearch,
  namedQdrant,
  newPrefix,
  OwnDatabase,
  removeOwn,
} from "./servers/own-names.ts";
import { installQdrant, installServers } from "./servers/service-packages.ts";
import { startServers } from "./servers/start-servers.ts";

declare module "vitest" {
  interface ProvidedContext {
    servers: Servers;
  }
}

/** What ends when the tests have ended, last first. */
type Ends = (() => Promise<unknown>)[];

/** Finds the servers that the environment names, starts the others, and after all tests removes what they made. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const prefix = newPrefix();
  const ends: Ends = [];
  const end = async () => {
    for (const one of ends.splice(0).toReversed()) await one();
  };
  try {
    project.provide("servers", await findServers(prefix, ends));
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

async function findServers(prefix: string, ends: Ends): Promise<Servers> {
  const given = givenServers();
  const isComplete = given.postgres !== undefined && given.milvus !== undefined;
  const packages = isComplete ? undefined : await installServers();
  const own = packages === undefined ? undefined : await startServers(packages);
  if (own !== undefined) ends.push(() => Promise.all(own.map((server) => server.stop())));
  const milvus = given.milvus ?? {
    address: own![1].address,
    what: "a Milvus Lite 2.5.1 server",
    isLite: true,
  };
  const missing = given.opensearch === undefined ? await missingForOpenSearch() : undefined;
  const opensearch = given.opensearch ?? (missing === undefined ? await ownOpenSearch(ends) : undefined);
  const qdrant = given.qdrant ?? (await ownQdrant(ends));
  if (given.milvus !== undefined) await keepApart("MILVUS_ADDRESS", namedMilvus(milvus), prefix, ends);
  if (given.opensearch !== undefined)
    await keepApart("OPENSEARCH_URL", namedOpenSearch(given.opensearch), prefix, ends);
  if (given.qdrant !== undefined) await keepApart("QDRANT_URL", namedQdrant(given.qdrant), prefix, ends);
  return {
    prefix,
    packages,
    milvus,
    opensearch,
    postgres:
      given.postgres === undefined
        ? { url: own![0].url, what: "a Postgres 18 server" }
        : { url: await ownDatabase(given.postgres, prefix, ends), what: "the Postgres of POSTGRES_URL" },
    qdrant: typeof qdrant === "string" ? undefined : qdrant,
    missing: { opensearch: missing ?? "", qdrant: typeof qdrant === "string" ? qdrant : "" },
  };
}

/** Nothing that is there already has a name of this run, and at the end nothing has. */
async function keepApart(what: string, server: NamedServer, prefix: string, ends: Ends): Promise<void> {
  ends.push(() => server.close());
  await checkUnused(what, server, prefix);
  ends.push(() => removeOwn(server, prefix));
}

async function ownDatabase(server: string, prefix: string, ends: Ends): Promise<string> {
  const database = await OwnDatabase.create(server, `${prefix}database`);
  ends.push(() => database.remove());
  return database.url;
}

async function ownOpenSearch(ends: Ends): Promise<Servers["opensearch"]> {
  const cluster = await OpenSearchCluster.start(1);
  ends.push(() => cluster.stop());
  return { url: cluster.url, what: "an OpenSearch 2.19.1 server", isOwn: true };
}

/** Qdrant's own engine behind the HTTP shell of the fake; or why there is none. */
async function ownQdrant(ends: Ends): Promise<QdrantAddress | string> {
  let python: string;
  try {
    python = await installQdrant();
  } catch (error) {
    return (error as Error).message;
  }
  const engine = await EdgeEngine.start(python);
  ends.push(() => engine.stop());
  const shell = await FakeQdrant.start(engine);
  ends.push(() => shell.stop());
  return { url: shell.url, what: "Qdrant's own engine behind an HTTP shell of ours", python };
}
