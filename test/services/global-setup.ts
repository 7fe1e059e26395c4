import type { TestProject } from "vitest/node";
import { missingForOpenSearch, OpenSearchCluster } from "./servers/opensearch-server.ts";
import { installServers } from "./servers/service-packages.ts";
import { startServers } from "./servers/start-servers.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the packages of the servers are. */
    packages: string;
    postgres: string;
    milvus: string;
    /** Undefined where OpenSearch cannot run. */
    opensearch: string | undefined;
    /** What OpenSearch lacks here, for the names of tests; empty if nothing. */
    withoutOpenSearch: string;
  }
}

/** Installs and starts the servers before all tests, and stops them after. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const packages = await installServers();
  const [postgres, milvus] = await startServers(packages);
  project.provide("packages", packages);
  project.provide("postgres", postgres.url);
  project.provide("milvus", milvus.address);
  const missing = await missingForOpenSearch();
  const opensearch = missing === undefined ? await OpenSearchCluster.start(1) : undefined;
  project.provide("opensearch", opensearch?.url);
  project.provide("withoutOpenSearch", missing ?? "");
  return async () => {
    await Promise.all([postgres.stop(), milvus.stop(), opensearch?.stop()]);
  };
}
