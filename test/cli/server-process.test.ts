import { mkdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DenseEncoder } from "@sparse-encoder/core";
import { describe, expect, it } from "vitest";
import { readAnswer as read } from "./read-answer.ts";
import { binary, runCli, temporaryFolder } from "./run-cli.ts";
import { startServer } from "./running-server.ts";

const denseModel = fileURLToPath(new URL("../../examples/models/all-minilm-l6-v2", import.meta.url));

describe("a server", () => {
  it("asks for its key everywhere but on probes and the page", async () => {
    await using closed = await startServer([], { SPARSE_ENCODER_API_KEY: "secret" });
    const key = { headers: { authorization: "Bearer secret" } };
    const wrong = { headers: { authorization: "Bearer wrong" } };
    const statuses = async (init: RequestInit) =>
      Promise.all(
        ["/health", "/info", "/metrics", "/openapi.json", "/mcp"].map(
          async (path) => (await closed.ask(path, undefined, init)).status,
        ),
      );
    expect(await statuses({})).toEqual([200, 401, 401, 401, 401]);
    expect(await statuses(wrong)).toEqual([200, 401, 401, 401, 401]);
    expect((await statuses(key)).slice(0, 4)).toEqual([200, 200, 200, 200]);
  });

  it("refuses what it cannot take up, and goes on", async () => {
    await using small = await startServer(["--max-queue", "4", "--max-requests", "3"]);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => small.ask("/embed_sparse", { inputs: ["a", "b"] })),
    );
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].sort()).toEqual([200, 429]);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toMatchObject({ error_type: "Overloaded" });
    expect((await small.ask("/embed_sparse", { inputs: "a" })).status).toBe(200);
  });

  it("drops clients that are slow", async () => {
    await using impatient = await startServer(["--timeout", "1"]);
    const { port } = new URL(impatient.url);
    const slow = connect(Number(port), "127.0.0.1");
    slow.write(
      "POST /embed_sparse HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{",
    );
    const late = await new Promise<string>((resolve) =>
      slow.once("data", (bytes) => resolve(bytes.toString())),
    );
    expect(late).toContain("408 Request Timeout");
  });

  it("drops clients that are gone, answers what is under way, and ends", async () => {
    await using ending = await startServer(["--workers", "1"]);
    const gone = new AbortController();
    const leaving = ending.ask(
      "/embed_sparse",
      { inputs: Array(100).fill("a b c") },
      {
        signal: gone.signal,
        method: "POST",
        body: JSON.stringify({ inputs: Array(100).fill("a b c ".repeat(9)) }),
        headers: { "content-type": "application/json" },
      },
    );
    setTimeout(() => gone.abort(), 50);
    await expect(leaving).rejects.toThrow();
    const under = ending.ask("/embed_sparse", { inputs: Array(20).fill("some words") });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const [answer, code] = await Promise.all([under, ending.stop("SIGTERM")]);
    expect([answer.status, code]).toEqual([200, 0]);
    expect(ending.log()).toContain("Ending: requests under way are answered first.");
  });

  it("answers requests of open connections at its end, and tells them to close", async () => {
    await using ending = await startServer(["--workers", "1"]);
    const agent = new Agent({ keepAlive: true });
    const ask = () =>
      new Promise<(number | string | undefined)[]>((resolve, reject) => {
        const options = { method: "POST", agent, headers: { "content-type": "application/json" } };
        const sent = request(`${ending.url}/embed_sparse`, options, (response) => {
          response.resume().on("end", () => resolve([response.statusCode, response.headers.connection]));
        });
        sent.on("error", reject).end(JSON.stringify({ inputs: "some words ".repeat(60) }));
      });
    expect(await ask()).toEqual([200, "keep-alive"]);
    const under = Promise.all(Array.from({ length: 64 }, ask));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ending.stop("SIGTERM")).toBe(0);
    const answers = await under;
    expect(answers.map(([status]) => status)).toEqual(Array(64).fill(200));
    // An answer that was on its way already could not tell it.
    expect(answers.filter(([, connection]) => connection === "close").length).toBeGreaterThan(50);
  });

  it("tells the quality of a ranking where the query is judged", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file("qrels"));
    const corpus = ["ships sail", "apples grow on apple trees"].map((text, place) =>
      JSON.stringify({ _id: `d${place}`, text }),
    );
    writeFileSync(folder.file("corpus.jsonl"), corpus.join("\n"));
    writeFileSync(
      folder.file("queries.jsonl"),
      '{"_id":"q","text":"apples"}\n{"_id":"r","text":"unjudged"}\n',
    );
    writeFileSync(folder.file("qrels/test.tsv"), "query-id\tcorpus-id\tscore\nq\td1\t1\n");
    await using judged = await startServer(["--beir", folder.path]);
    expect(await read(judged.ask("/queries"))).toEqual([200, { queries: [{ id: "q", text: "apples" }] }]);
    const [, answer] = await read(judged.ask("/search", { query: "apples" }));
    // The one relevant document is first: 1.
    expect(answer).toMatchObject({ ndcg_at_10: 1, hits: [{ id: "d1", grade: 1 }] });
    const [, other] = await read(judged.ask("/search", { query: "ships" }));
    expect("ndcg_at_10" in other).toBe(false);
  });

  it("says when the port is taken, and when it would let others in without a key", async () => {
    await using other = await startServer([]);
    const taken = await runCli(["serve", "--port", new URL(other.url).port]);
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining("another program has the port")]);
    const open = await runCli(["serve", "--host", "0.0.0.0"]);
    expect([open.code, open.stderr]).toEqual([2, expect.stringContaining("--insecure")]);
  });

  it("gives dense vectors, as text-embeddings-inference and as OpenAI do", async () => {
    using folder = temporaryFolder();
    await using both = await startServer(["--dense", denseModel, "--index", folder.file("index")]);
    await using model = await DenseEncoder.load(denseModel);
    const expected = await model.encode("cheap flights", { normalize: true });
    const [vector] = (await (await both.ask("/embed", { inputs: "cheap flights" })).json()) as number[][];
    const body = { input: ["cheap flights"], model: "any", encoding_format: "base64" };
    const [, { data, usage, object }] = await read(both.ask("/v1/embeddings", body));
    const [{ embedding, index }] = data as [{ embedding: string; index: number }];
    const bytes = Buffer.from(embedding, "base64");
    expect([object, index, vector!.length, bytes.length]).toEqual(["list", 0, 384, 384 * 4]);
    for (const [place, value] of expected.entries()) {
      expect(vector![place]).toBeCloseTo(value, 4);
      expect(bytes.readFloatLE(place * 4)).toBeCloseTo(value, 4);
    }
    expect(usage).toEqual({ prompt_tokens: 4, total_tokens: 4 });
    const documents = [{ id: "a", text: "Low-cost airlines" }];
    await both.ask("/documents", { documents });
    const [, { hits }] = await read(
      both.ask("/search", { query: "cheap flights", weights: { sparse: 0, keyword: 0 } }),
    );
    expect(hits).toMatchObject([{ id: "a", arms: { dense: { rank: 1 } } }]);
  });
});

describe("spans of OpenTelemetry", () => {
  it("go to the provider that the process was started with", async () => {
    using folder = temporaryFolder();
    // A provider of the test's own: it writes the name and the values of each span to standard error.
    const api = pathToFileURL(createRequire(binary).resolve("@opentelemetry/api")).href;
    writeFileSync(
      folder.file("provider.mjs"),
      `import api from ${JSON.stringify(api)};
const startActiveSpan = (name, work) => {
  const values = {};
  const span = { setAttributes: (given) => Object.assign(values, given), recordException() {}, setStatus() {}, end: () => console.error("SPAN", name, JSON.stringify(values)) };
  return work(span);
};
api.trace.setGlobalTracerProvider({ getTracer: () => ({ startActiveSpan }) });
`,
    );
    const preload = `--import=${pathToFileURL(folder.file("provider.mjs")).href}`;
    await using traced = await startServer([], { NODE_OPTIONS: preload });
    await traced.ask("/embed_sparse", { inputs: "a" });
    await traced.ask("/documents/none");
    await traced.stop();
    expect(traced.log()).toContain(
      'SPAN POST {"http.request.method":"POST","http.route":"/embed_sparse","http.response.status_code":200}',
    );
    expect(traced.log()).toContain('"http.response.status_code":404');
  });
});
