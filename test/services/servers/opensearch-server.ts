import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort, ServerProcess } from "./server-process.ts";

const sources = fileURLToPath(new URL("opensearch/", import.meta.url));

/** Ignored by git; removing it is safe. */
const folder = fileURLToPath(new URL("../../../.services/opensearch/", import.meta.url));

const plugins = "org.opensearch.knn.plugin.KNNPlugin,org.opensearch.neuralsearch.plugin.NeuralSearch";

/** Memory of a node, as Java writes it. */
const heap = process.env.SPARSE_ENCODER_OPENSEARCH_HEAP ?? "384m";

/** Milliseconds that the download of about 70 MB may take. */
const downloadTime = 300_000;

/** Why OpenSearch cannot run here; undefined if Java 17 or later and Maven are there. */
export async function missingForOpenSearch(): Promise<string | undefined> {
  for (const [command, version, name] of [
    ["java", "-version", "Java 17"],
    ["mvn", "-version", "Maven"],
  ] as const) {
    const found = await promisify(execFile)(command, [version]).then(
      () => true,
      () => false,
    );
    if (!found) return `${name} is missing`;
  }
  return undefined;
}

/** Downloads the server and its plugins from Maven Central, once. */
export async function installOpenSearch(): Promise<void> {
  const pom = path.join(sources, "pom.xml");
  const wanted = await readFile(pom, "utf8");
  const done = path.join(folder, "pom.xml");
  if (existsSync(done) && (await readFile(done, "utf8")) === wanted) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const maven = (goal: string, type: string, target: string) =>
    promisify(execFile)(
      "mvn",
      [
        ...["-q", "-B", "-f", pom, `dependency:${goal}`],
        ...[`-DincludeTypes=${type}`, `-DoutputDirectory=${target}`],
        // Else Maven writes beside the pom.
        `-Dmdep.markersDirectory=${path.join(folder, "markers")}`,
        `-DmarkersDirectory=${path.join(folder, "markers")}`,
      ],
      { timeout: downloadTime, killSignal: "SIGKILL", maxBuffer: 1 << 26 },
    );
  try {
    await maven("copy-dependencies", "jar", path.join(folder, "server"));
    await maven("unpack-dependencies", "zip", path.join(folder, "plugins"));
  } catch (error) {
    const { stdout = "", message } = error as Error & { stdout?: string };
    throw new Error(
      `The tests on OpenSearch take it from Maven Central, which did not work: ${stdout || message}`,
    );
  }
  await writeFile(done, wanted);
}

/** An OpenSearch cluster, each node a process of this machine. */
export class OpenSearchCluster {
  /** Addresses of the nodes. */
  readonly urls: readonly string[];
  private readonly folder: string;
  private readonly nodes: readonly ServerProcess[];

  private constructor(root: string, urls: readonly string[], nodes: readonly ServerProcess[]) {
    this.folder = root;
    this.urls = urls;
    this.nodes = nodes;
  }

  /**
   * Starts the nodes and waits until they form one cluster.
   * @param count nodes
   * @param withPlugins false for a server that lacks k-NN and neural search
   */
  static async start(count: number, withPlugins = true): Promise<OpenSearchCluster> {
    await installOpenSearch();
    const root = await mkdtemp(path.join(tmpdir(), "opensearch-"));
    const http: number[] = [];
    const transport: number[] = [];
    for (let node = 0; node < count; node++) {
      http.push(await freePort());
      transport.push(await freePort());
    }
    const libraries = [path.join(folder, "server", "*"), path.join(folder, "plugins", "*")];
    const nodes = http.map((port, node) => {
      const others = transport.filter((_, other) => other !== node);
      return new ServerProcess(
        `OpenSearch node ${node}`,
        "java",
        [
          `-Xms${heap}`,
          `-Xmx${heap}`,
          "-XX:TieredStopAtLevel=1",
          "-cp",
          (withPlugins ? libraries : libraries.slice(0, 1)).join(path.delimiter),
          path.join(sources, "Node.java"),
          path.join(root, `node-${node}`),
          `node-${node}`,
          `${port}`,
          [transport[node], ...others].join(","),
          withPlugins ? plugins : "none",
        ],
        { cwd: root },
      );
    });
    const urls = http.map((port) => `http://127.0.0.1:${port}`);
    const cluster = new OpenSearchCluster(root, urls, nodes);
    try {
      await Promise.all(nodes.map((_, node) => cluster.startNode(node, false)));
      await cluster.health(count, "green");
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get url(): string {
    return this.urls[0]!;
  }

  /** Starts a node that was killed, and waits until it answers; `joined` waits until it is in the cluster too. */
  async startNode(node: number, joined = true): Promise<void> {
    await this.nodes[node]!.start(async () => {
      const answer = await fetch(`${this.urls[node]}/_cluster/health?timeout=1s`);
      if (joined && !answer.ok) throw new Error(`answered ${answer.status}`);
    });
  }

  /** Ends a node at once, as a power cut would. */
  async kill(node: number): Promise<void> {
    await this.nodes[node]!.stop("SIGKILL");
  }

  /** Waits for this many nodes and this health. */
  async health(nodes: number, status: "yellow" | "green", by = 0): Promise<void> {
    const query = `wait_for_nodes=${nodes}&wait_for_status=${status}&timeout=180s`;
    const answer = await fetch(`${this.urls[by]}/_cluster/health?${query}`);
    if (!answer.ok) throw new Error(`The cluster did not become ${status}: ${await answer.text()}`);
  }

  /** A request of the tests themselves. */
  async request(method: string, at: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.url}${at}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop("SIGKILL")));
    await rm(this.folder, { recursive: true, force: true });
  }
}
