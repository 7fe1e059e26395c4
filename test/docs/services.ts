import { readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { startServer } from "../cli/running-server.ts";
import { FakeHub, type FakeRepository } from "../fakes/fake-hub.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { withTokenizer } from "../helpers/fixture-folders.ts";
import { rerankerFolder } from "../helpers/reranker-folders.ts";
import { root } from "./code-blocks.ts";
import type { Services } from "./page-setups.ts";

/** What stands in for the services that pages name. */
export interface RunningServices extends Services, AsyncDisposable {
  /** The hub, for the environment of programs. */
  readonly hub: string;
  /** Paths that the hub was asked for. */
  requests(): string[];
}

/** Small models under the names that pages load: random weights, but for the dense one. */
function repositories(): FakeRepository[] {
  const folders: Readonly<Record<string, string>> = {
    "naver/splade-v3": path.join(root, "test/fixtures/models/bert-short"),
    "BAAI/bge-m3": withTokenizer("lexical-weights/model", "xlm-roberta").folder,
    "sentence-transformers/all-MiniLM-L6-v2": path.join(root, "examples/models/all-minilm-l6-v2"),
    "cross-encoder/ms-marco-MiniLM-L6-v2": rerankerFolder("bert"),
  };
  return Object.entries(folders).map(([name, folder], position) => ({
    name,
    commit: String(position + 1).repeat(40),
    files: Object.fromEntries(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .map((file) => [path.relative(folder, file).split(path.sep).join("/"), readFileSync(file)]),
    ),
  }));
}

/** Starts fakes of the hub and of Qdrant, and the real server of the command line. */
export async function startServices(): Promise<RunningServices> {
  const hub = await FakeHub.start(...repositories());
  const qdrant = await FakeQdrant.start();
  await fillLangChainCollection(`${qdrant.url}/collections/my_documents`);
  const server = await startServer([]);
  return {
    hub: hub.endpoint,
    requests: () => hub.requests.map(({ path: requested }) => requested),
    qdrant: qdrant.url,
    encoder: server.url,
    port: await freePort(),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await Promise.all([hub[Symbol.asyncDispose](), qdrant.stop()]);
    },
  };
}

/** A collection as LangChain's Python package makes it, with one point. */
async function fillLangChainCollection(url: string): Promise<void> {
  const put = async (address: string, body: object) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(address, { method: "PUT", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
  };
  await put(url, { vectors: {}, sparse_vectors: { "langchain-sparse": {} } });
  const vector = { "langchain-sparse": { indices: [1], values: [1] } };
  const payload = { page_content: "first", metadata: {} };
  await put(`${url}/points?wait=true`, { points: [{ id: 7, vector, payload }] });
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
