/** What the blocks of a page need around them to run: what a reader has already. */
export interface BlockSetup {
  /** Code before the block or the blocks. */
  readonly before?: string;
  /** Code after them. */
  readonly after?: string;
  /** What cannot be as it is written, such as the address of a server, and what stands in for it. */
  readonly replace?: readonly (readonly [from: string, to: string])[];
}

/** The setup of a page. Its blocks are one program, unless `each` has a setup for each of them. */
export interface PageSetup extends BlockSetup {
  readonly each?: readonly BlockSetup[];
}

/** Addresses of the servers that stand in for the servers of the pages. */
export interface Services {
  /** A fake of Qdrant with a collection of LangChain. */
  readonly qdrant: string;
  /** The server of the command line. */
  readonly encoder: string;
  /** A port that is free. */
  readonly port: number;
}

const memory = `import { MemoryStore } from "@sparse-encoder/core";
const store = new MemoryStore();`;

/** The posts of a server page are answered with a vector, and the server ends when it is told to. */
function serverSetup(port: number): BlockSetup {
  return {
    replace: [["3000", String(port)]],
    after: `
let answer;
for (let attempt = 0; answer === undefined && attempt < 100; attempt++) {
  answer = await fetch("http://127.0.0.1:${port}/encode", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: "lovely weather" }),
  }).catch(() => new Promise((resolve) => setTimeout(resolve, 100)));
}
const { indices } = await answer.json();
if (!(indices.length > 0)) throw new Error("The server answered no vector.");
setImmediate(() => process.exit());`,
  };
}

const readme: PageSetup = {
  each: [
    {},
    {},
    {
      before: `${memory}\nconst documents = [{ pageContent: "It is sunny.", metadata: { year: 2024 } }];`,
      after: `const [found] = await retriever.invoke("sunny"); if (found?.pageContent !== "It is sunny.") throw new Error();
await Promise.all([sparseEmbeddings.close(), dense.close()]);`,
    },
    {
      before: `${memory}\nimport { Document, Settings } from "llamaindex";
import { DenseEmbedding } from "@sparse-encoder/llamaindex";
Settings.embedModel = await DenseEmbedding.fromModel("sentence-transformers/all-MiniLM-L6-v2");
const documents = [new Document({ text: "It is sunny." })];`,
      after: `if ((await retriever.retrieve("sunny")).length !== 1) throw new Error();`,
    },
  ],
};

const rerankers: PageSetup = {
  each: [
    {
      before: `const documents = ["Berlin has 3.8 million people.", "The weather is lovely.", "Berlin has museums."];`,
      after: `if (best.length !== 3 || scores.length !== 2) throw new Error();`,
    },
    {
      before: `${memory}
import { CrossEncoder, DenseEncoder, HybridRetriever, SparseEncoder } from "@sparse-encoder/core";
const encoder = await SparseEncoder.load();
const denseEncoder = await DenseEncoder.load("sentence-transformers/all-MiniLM-L6-v2");
const reranker = await CrossEncoder.load("cross-encoder/ms-marco-MiniLM-L6-v2");`,
      after: `await retriever.add([{ id: "a", text: "It is sunny." }]);
if ((await retriever.retrieve("sunny"))[0]?.id !== "a") throw new Error();
await Promise.all([encoder.close(), denseEncoder.close(), reranker.close()]);`,
    },
  ],
};

const filledFolder = `import { MemoryStore as Folder, SparseVector } from "@sparse-encoder/core";
const filled = await Folder.open("./index");
const vector = SparseVector.from({ 1: 1 }, 10);
await filled.upsert([{ id: "a", text: "a", metadata: {}, vectors: { sparse: vector } }]);
await filled.close();`;

function stores(services: Services): PageSetup {
  return {
    each: [
      { before: filledFolder, replace: [[`url: "postgres://localhost/search"`, `folder: "./postgres"`]] },
      {
        before: `import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PostgresStore as Table } from "@sparse-encoder/core/stores";
const client = await PGlite.create({ dataDir: "memory://", extensions: { vector } });
const vectors = { dense: { kind: "dense", dimension: 2 } } as const;
const [oldModel, newModel] = [1, 2].map((angle) => async (texts: readonly string[]) =>
  texts.map((text) => [Math.cos(angle * text.length), Math.sin(angle * text.length)])) as [Embed, Embed];
type Embed = (texts: readonly string[]) => Promise<number[][]>;
const documents = [{ id: "a", text: "a blunt body" }, { id: "b", text: "a wing" }];
const made = await Table.open({ client, table: "documents_1", vectors, model: "old" });
await made.upsert([{ id: "a", text: "old", metadata: {}, vectors: { dense: Float32Array.of(1, 0) } }]);
await made.close();
await Table.switchAlias({ client, alias: "documents", to: "documents_1" });`,
        after: `if (hits.length !== 2) throw new Error(); await after.close(); await client.close();`,
      },
      {
        before: `import { Bm25Encoder, HybridRetriever } from "@sparse-encoder/core";
import { QdrantStore } from "@sparse-encoder/core/stores";
const vectors = { keyword: { kind: "sparse", dimension: 2 ** 29 } } as const;
const store = await QdrantStore.open({ url: "${services.qdrant}", collection: "native", vectors });
const retriever = new HybridRetriever({ arms: { keyword: { encoder: new Bm25Encoder(), store } } });
await retriever.add([{ id: "a", text: "a blunt body" }]);`,
        after: `if (hits[0]?.id !== "a") throw new Error(); await store.close();`,
      },
      {
        before: `import { MemoryStore } from "@sparse-encoder/core";`,
        after: `if (missing !== undefined || (await acme.count()) !== 0) throw new Error();`,
      },
      { before: `${filledFolder}\nimport { MemoryStore } from "@sparse-encoder/core";` },
      {
        before: `${filledFolder}\nimport { MemoryStore } from "@sparse-encoder/core";`,
        after: `if (documents !== 1 || dropped.length > 0) throw new Error();`,
      },
      {
        before: `import { QdrantStore } from "@sparse-encoder/core/stores";\nconst url = "${services.qdrant}";`,
        after: `if ((await store.count()) !== 1) throw new Error();`,
      },
    ],
  };
}

/** The documents of Cranfield that its first queries are about. */
const smallCollection = `import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
const cranfield = new URL("../../../examples/data/cranfield/", import.meta.url);
const small = pathToFileURL(\`\${process.cwd()}/small/\`);
mkdirSync(new URL("qrels", small), { recursive: true });
const linesOf = (file: string) => {
  const bytes = readFileSync(new URL(file, cranfield));
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8").trim().split("\\n");
};
const [head, ...rows] = linesOf("qrels/test.tsv");
const judged = rows.filter((row) => Number(row.split("\\t")[0]) <= 5);
const isJudged = (position: number) => (line: string) =>
  judged.some((row) => row.split("\\t")[position] === JSON.parse(line)._id);
writeFileSync(new URL("qrels/test.tsv", small), [head, ...judged].join("\\n"));
writeFileSync(new URL("queries.jsonl", small), linesOf("queries.jsonl").filter(isJudged(0)).join("\\n"));
writeFileSync(new URL("corpus.jsonl", small), linesOf("corpus.jsonl.gz").filter(isJudged(1)).join("\\n"));`;

function deploy(services: Services): PageSetup {
  return {
    each: [
      {
        before: `import { SparseEncoder } from "@sparse-encoder/core";`,
        after: `if ((await encoder()) !== (await encoder())) throw new Error(); await (await encoder()).close();`,
      },
      // Next.js itself runs in `pnpm test:packages`, with this configuration.
      {},
      {
        after: `if (!(await handler({ body: '{"text": "weather"}' })).body.includes("indices")) throw new Error(); await encoder.close();`,
      },
      // The cache of the hub.
      {},
      serverSetup(services.port),
      serverSetup(services.port + 1),
      serverSetup(services.port + 2),
    ],
  };
}

/** The setups by page; pages that are not here need none. */
export function pageSetups(services: Services): Readonly<Record<string, PageSetup>> {
  return {
    "README.md": readme,
    "docs/deploy.md": deploy(services),
    "docs/evaluation.md": {
      before: smallCollection,
      replace: [
        [`fileURLToPath(new URL("data/cranfield", import.meta.url))`, `fileURLToPath(small)`],
        // The figure of the whole collection, which test/core/cranfield.test.ts compares.
        [" // 0.491", ""],
      ],
    },
    "docs/langchain.md": { replace: [["(denseModel)", `("sentence-transformers/all-MiniLM-L6-v2")`]] },
    "docs/llamaindex.md": { replace: [[`"./all-MiniLM-L6-v2"`, `"sentence-transformers/all-MiniLM-L6-v2"`]] },
    "docs/models.md": {
      before: `${memory}\nimport { HybridEncoder, HybridRetriever } from "@sparse-encoder/core";`,
      after: `if (sparse.shape[0] !== 2 || dense.shape[0] !== 2) throw new Error();
await retriever.add([{ id: "a", text: "a text" }]); await encoder.close();`,
    },
    "docs/rerankers.md": rerankers,
    "docs/server.md": {
      before: `${memory}
const texts = ["a", "b"]; const written: object[] = []; const write = async (vector: object) => written.push(vector);`,
      replace: [
        ["http://encoder:8080", services.encoder],
        ["http://a:8080", services.encoder],
        // One server by two names.
        ["http://b:8080", services.encoder.replace("127.0.0.1", "localhost")],
      ],
      after: `if (written.length !== 2) throw new Error(); await shared.close();
await retriever.add([{ id: "a", text: "It is sunny." }]);
if ((await retriever.retrieve("sunny"))[0]?.id !== "a") throw new Error(); await encoder.close();`,
    },
    "docs/stores.md": stores(services),
    "docs/writing-a-store.md": {
      before: `const cases: (() => Promise<void>)[] = [];
const it = (_name: string, run: () => Promise<void>) => cases.push(run);`,
      after: `for (const run of cases) await run(); if (cases.length < 20) throw new Error(); await store.close();`,
      replace: [["./map-backend.ts", "../../../examples/map-backend.ts"]],
    },
  };
}
