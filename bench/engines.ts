import { MemoryStore, type Store } from "@sparse-encoder/core";
import { MilvusStore, OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import { FakeQdrant } from "../test/fakes/qdrant/fake-qdrant.ts";
import { EdgeEngine } from "../test/services/servers/edge-engine.ts";
import { missingForOpenSearch, OpenSearchCluster } from "../test/services/servers/opensearch-server.ts";
import { installQdrant, installServers } from "../test/services/servers/service-packages.ts";
import { startServers } from "../test/services/servers/start-servers.ts";

/** Opens a store of that name, empty. */
export type OpenStore = (name: string, vectors: MemoryStore["vectors"]) => Promise<Store>;

/** All engines that a bench can have. */
export const engineNames = ["memory", "postgres", "pglite", "opensearch", "milvus-lite", "qdrant"] as const;
export type EngineName = (typeof engineNames)[number];

/** Memory of Java in the OpenSearch of a bench, as Java writes it. */
const heap = process.env.SPARSE_ENCODER_OPENSEARCH_HEAP ?? "1g";

/** Engines of which the servers run on this machine. */
export class BenchEngines {
  readonly openers = new Map<EngineName, OpenStore>();
  private readonly ends: (() => Promise<unknown>)[] = [];

  /** Starts what the named engines need, and nothing else; one that cannot run here is said to be left out. */
  static async start(names: readonly string[]): Promise<BenchEngines> {
    const unknown = names.filter((name) => !engineNames.includes(name as EngineName));
    if (unknown.length > 0)
      throw new Error(`no engines: ${unknown.join(", ")}; of ${engineNames.join(", ")}`);
    const engines = new BenchEngines();
    try {
      await engines.open(new Set(names));
      return engines;
    } catch (error) {
      await engines.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const end of this.ends.splice(0).toReversed()) await end();
  }

  private async open(names: ReadonlySet<string>): Promise<void> {
    const { openers } = this;
    if (names.has("memory")) openers.set("memory", async (_, vectors) => new MemoryStore({ vectors }));
    if (names.has("postgres") || names.has("milvus-lite")) await this.openServers(names);
    if (names.has("pglite")) {
      openers.set("pglite", (table, vectors) => PostgresStore.open({ folder: "memory://", table, vectors }));
    }
    if (names.has("opensearch")) await this.openOpenSearch();
    if (names.has("qdrant")) await this.openQdrant();
  }

  private async openServers(names: ReadonlySet<string>): Promise<void> {
    const [postgres, milvus] = await startServers(await installServers());
    this.ends.push(() => Promise.all([postgres.stop(), milvus.stop()]));
    if (names.has("postgres")) {
      this.openers.set("postgres", (table, vectors) =>
        PostgresStore.open({ url: postgres.url, table, vectors }),
      );
    }
    if (names.has("milvus-lite")) {
      this.openers.set("milvus-lite", (collection, vectors) =>
        MilvusStore.open({ address: milvus.address, collection, vectors }),
      );
    }
  }

  /** One node, whose Java optimises as that of a server does. */
  private async openOpenSearch(): Promise<void> {
    const missing = await missingForOpenSearch();
    if (missing !== undefined) return console.log(`opensearch is left out: ${missing}`);
    const cluster = await OpenSearchCluster.start(1, { heap, java: [] });
    this.ends.push(() => cluster.stop());
    this.openers.set("opensearch", (index, vectors) =>
      OpenSearchStore.open({ url: cluster.url, index, vectors, refresh: true }),
    );
  }

  /** Qdrant's own engine behind the HTTP shell of the tests. */
  private async openQdrant(): Promise<void> {
    const engine = await EdgeEngine.start(await installQdrant());
    this.ends.push(() => engine.stop());
    const shell = await FakeQdrant.start(engine);
    this.ends.push(() => shell.stop());
    this.openers.set("qdrant", (collection, vectors) =>
      QdrantStore.open({ url: shell.url, collection, vectors }),
    );
  }
}
