import type { TestProject } from "vitest/node";
import { MilvusServer } from "./milvus-server.ts";
import { PostgresServer } from "./postgres-server.ts";
import { installServers } from "./service-packages.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the packages of the servers are. */
    packages: string;
    postgres: string;
    milvus: string;
  }
}

/** Installs and starts the servers before all tests, and stops them after. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const packages = await installServers();
  const servers = await Promise.all([PostgresServer.start(packages), MilvusServer.start(packages)]);
  project.provide("packages", packages);
  project.provide("postgres", servers[0].url);
  project.provide("milvus", servers[1].address);
  return async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
}
