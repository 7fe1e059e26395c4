import type { TestProject } from "vitest/node";
import { installServers } from "./service-packages.ts";
import { startServers } from "./start-servers.ts";

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
  const [postgres, milvus] = await startServers(packages);
  project.provide("packages", packages);
  project.provide("postgres", postgres.url);
  project.provide("milvus", milvus.address);
  return async () => {
    await Promise.all([postgres.stop(), milvus.stop()]);
  };
}
