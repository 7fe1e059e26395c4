import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort, ServerProcess } from "./server-process.ts";

const sources = fileURLToPath(new URL("opensearch/", import.meta.url));

/** Ignored by git; removing it is safe. */
const folder = fileURLToPath(new URL("../../../.services/opensearch/", import.meta.url));

const plugins = "org.opensearch.knn.plugin.KNNPlugin,org.opensearch.neuralsearch.plugin.NeuralSearch";

/** How the nodes of a cluster run. */
export interface ClusterOptions {
  /** False for a server that lacks k-NN and neural search. Default true. */
  readonly withPlugins?: boolean;
  /** Memory of Java in a node, as Java writes it. Default 384m. */
  readonly heap?: string;
  /** Options of Java. The default ones start fast and leave the processors to others, but run slower after a while. */
  readonly java?: readonly string[];
}

/** The compiler that optimises least, and a collector without threads of its own. */
const quickStart = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/** Milliseconds that the download of about 70 MB may take, and that compiling one file may. */
const downloadTime = 300_000;
const compileTime = 120_000;

/** Milliseconds in which a cluster that is not yet as it is wanted must have changed. */
const stallTime = 120_000;

/** Milliseconds that one question of the tests may take. */
const questionTime = 20_000;

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

/** Downloads the server and its plugins from Maven Central, and compiles what starts a node, once. */
export async function installOpenSearch(): Promise<void> {
  const pom = path.join(sources, "pom.xml");
  const program = path.join(sources, "Node.java");
  const wanted = `${await readFile(pom, "utf8")}${await readFile(program, "utf8")}`;
  const done = path.join(folder, "installed");
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
    await promisify(execFile)(
      "javac",
      ["-cp", path.join(folder, "server", "*"), "-d", path.join(folder, "classes"), program],
      { timeout: compileTime },
    );
  } catch (error) {
    const { stdout = "", message } = error as Error & { stdout?: string };
    throw new Error(
      `The tests on OpenSearch take it from Maven Central and compile a file, which did not work: ${stdout || message}`,
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
   */
  static async start(
    count: number,
    { withPlugins = true, heap = "384m", java = quickStart }: ClusterOptions = {},
  ): Promise<OpenSearchCluster> {
    await installOpenSearch();
    const root = await mkdtemp(path.join(tmpdir(), "opensearch-"));
    const http: number[] = [];
    const transport: number[] = [];
    for (let node = 0; node < count; node++) {
      http.push(await freePort());
      transport.push(await freePort());
    }
    const libraries = ["classes", "server/*", "plugins/*"].map((part) => path.join(folder, part));
    const nodes = http.map((port, node) => {
      const others = transport.filter((_, other) => other !== node);
      return new ServerProcess(
        `OpenSearch node ${node}`,
        "java",
        [
          `-Xmx${heap}`,
          ...java,
          "-cp",
          (withPlugins ? libraries : libraries.slice(0, 2)).join(path.delimiter),
          "Node",
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

  /**
   * Waits for this many nodes and this health, as long as the cluster changes: how fast it does depends on the machine.
   * @param by the node that is asked
   */
  async health(nodes: number, status: "yellow" | "green", by = 0): Promise<void> {
    const wanted = status === "green" ? ["green"] : ["yellow", "green"];
    let last = "";
    for (let changed = Date.now(); Date.now() - changed < stallTime; await sleep(200)) {
      const health = await this.askHealth(by);
      if (health.number_of_nodes === nodes && wanted.includes(`${health.status}`)) return;
      const state = JSON.stringify(health);
      if (state === last) continue;
      last = state;
      changed = Date.now();
    }
    const warnings = this.nodes.map((one) => one.lastLines(/\[(WARN|ERROR) ?\]/, 4)).join("\n");
    throw new Error(
      `The cluster did not become ${status}, and did not change for ${stallTime / 1000} s: ${last}\n${warnings}`,
    );
  }

  /** What a node says of its cluster, without what changes by itself. */
  private async askHealth(node: number): Promise<Readonly<Record<string, unknown>>> {
    try {
      const answer = await fetch(`${this.urls[node]}/_cluster/health`, {
        signal: AbortSignal.timeout(questionTime),
      });
      const { task_max_waiting_in_queue_millis: _waited, ...health } = (await answer.json()) as Record<
        string,
        unknown
      >;
      const columns = "index,shard,stage,target_node,bytes_recovered,translog_ops_recovered";
      const recoveries = await fetch(
        `${this.urls[node]}/_cat/recovery?active_only=true&format=json&h=${columns}`,
        { signal: AbortSignal.timeout(questionTime) },
      );
      return { ...health, recoveries: await recoveries.json() };
    } catch (error) {
      return { error: String(error) };
    }
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
