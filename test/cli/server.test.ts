import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAnswer as read } from "./read-answer.ts";
import { type RunningServer, startServer } from "./running-server.ts";

let server: RunningServer;
let encoder: SparseEncoder;

beforeAll(async () => {
  encoder = await SparseEncoder.load();
  server = await startServer(["--max-texts", "8"]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await encoder.close();
});

describe("/embed_sparse", () => {
  it("answers as text-embeddings-inference documents it", async () => {
    const inputs = ["cheap flights", ""];
    const response = await server.ask("/embed_sparse", { inputs, truncate: true });
    expect(response.headers.get("content-type")).toBe("application/json");
    const answer = (await response.json()) as { index: number; value: number }[][];
    const expected = await encoder.encode(inputs);
    expect(answer).toHaveLength(2);
    for (const [row, entries] of answer.entries()) {
      expect(entries.map(({ index }) => index)).toEqual([...expected.row(row).indices]);
      for (const entry of entries) {
        expect(Object.keys(entry)).toEqual(["index", "value"]);
        expect(entry.value).toBeCloseTo(expected.row(row).get(entry.index), 4);
      }
    }
  });

  it("takes a single text, null for what is not set, and fields that it does not know", async () => {
    const body = {
      inputs: "a",
      truncate: null,
      prompt_name: null,
      truncation_direction: "Right",
      further: 1,
    };
    const response = await server.ask("/embed_sparse", body);
    expect(response.status).toBe(200);
    expect(await response.json()).toHaveLength(1);
  });

  it("keeps only a number of weights", async () => {
    const response = await server.ask("/embed_sparse", { inputs: "cheap flights", max_active_dims: 3 });
    const [entries] = (await response.json()) as { index: number }[][];
    const expected = await encoder.encode("cheap flights", { maxActiveDims: 3 });
    expect(entries!.map(({ index }) => index)).toEqual([...expected.indices]);
  });

  it.each([
    ["no texts", { inputs: [] }, 422, "`inputs` is empty"],
    ["too many texts", { inputs: Array(9).fill("a") }, 413, "at most 8"],
    ["numbers", { inputs: [1] }, 422, "inputs"],
    ["a prompt that is none", { inputs: "a", prompt_name: "poem" }, 422, "poem"],
    [
      "a text that is too long",
      { inputs: "a ".repeat(600), truncate: false },
      413,
      "more than the 512 tokens",
    ],
    ["no object", [], 422, "expected object"],
  ])("refuses %s", async (_case, body, status, message) => {
    const [code, answer] = await read(server.ask("/embed_sparse", body));
    expect(code).toBe(status);
    expect(answer).toEqual({ error: expect.stringContaining(message), error_type: "Validation" });
  });

  it("answers at the address of the server too, for clients that know no routes", async () => {
    const body = { inputs: ["cheap flights"], truncate: true };
    const [root, route] = [await server.ask("/", body), await server.ask("/embed_sparse", body)];
    expect(await root.json()).toEqual(await route.json());
  });

  it("puts a prompt that is written out before the texts", async () => {
    const [, [entries]] = (await read(
      server.ask("/embed_sparse", { inputs: "flights", prompt: "cheap " }),
    )) as unknown as [number, { index: number }[][]];
    const expected = await encoder.encode("cheap flights");
    expect(entries!.map(({ index }) => index)).toEqual([...expected.indices]);
  });

  it("says that there is no dense model", async () => {
    expect(await read(server.ask("/embed", { inputs: "a" }))).toEqual([
      424,
      { error: expect.stringContaining("--dense"), error_type: "Backend" },
    ]);
    const [status, { error }] = await read(server.ask("/v1/embeddings", { input: "a" }));
    expect([status, error]).toEqual([424, { message: expect.any(String), type: "Backend", code: 424 }]);
  });
});

describe("bodies", () => {
  it.each([
    ["broken JSON", "{", {}, 422],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22]), {}, 422],
    ["a form", "inputs=a", { "content-type": "application/x-www-form-urlencoded" }, 415],
    ["no type", Buffer.from("{}"), { "content-type": "" }, 415],
    ["a packed bomb", gzipSync(Buffer.alloc(5_000_000)), { "content-encoding": "gzip" }, 415],
    ["too many bytes", `"${"a".repeat(2_100_000)}"`, {}, 413],
  ])("refuses %s", async (_case, body, headers, status) => {
    const init = { method: "POST", body, headers: { "content-type": "application/json", ...headers } };
    const [code, answer] = await read(server.ask("/embed_sparse", undefined, init));
    expect([code, answer.error_type]).toEqual([status, "Validation"]);
  });

  it("refuses a body without an announced length when it has grown too large", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = httpRequest(`${server.url}/embed_sparse`, {
        method: "POST",
        headers: { "content-type": "application/json" },
      });
      sent.on("response", (response) => resolve(response.statusCode));
      sent.on("error", reject);
      const chunk = "a".repeat(100_000);
      for (let count = 0; count < 25; count++) sent.write(chunk);
    });
    expect(status).toBe(413);
  });
});

describe("foreign pages", () => {
  /** `fetch` does not let a test set `Host`. */
  const raw = (headers: Readonly<Record<string, string>>, method = "GET") =>
    new Promise<{ status: number; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
      const sent = httpRequest(`${server.url}/info`, { method, headers }, (response) => {
        response.resume();
        resolve({ status: response.statusCode!, headers: response.headers });
      });
      sent.on("error", reject).end();
    });

  it.each([
    ["a foreign name, as DNS rebinding has", { host: "evil.example:80" }, 403],
    ["a name that begins like an own one", { host: "localhost.evil.example" }, 403],
    ["localhost", { host: "localhost:1234" }, 200],
    ["a number", { host: "[::1]:80" }, 200],
    ["a foreign origin", { origin: "http://evil.example" }, 403],
    ["an origin of a sandbox", { origin: "null" }, 403],
    ["an origin of another port", { origin: "http://127.0.0.1:1" }, 403],
  ])("with %s", async (_case, headers, status) => {
    expect((await raw(headers)).status).toBe(status);
  });

  it("may not ask first", async () => {
    const { status, headers } = await raw({ origin: "http://evil.example" }, "OPTIONS");
    expect([status, headers["access-control-allow-origin"]]).toEqual([403, undefined]);
  });

  it("get nothing that could be framed or sniffed", async () => {
    const { headers } = await raw({});
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff" });
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  });
});

describe("documents, files and search", () => {
  const script = "<script>alert(1)</script>";

  it("are found by meaning, with each arm's rank and terms", async () => {
    const documents = [
      { id: `a/../${script}`, text: `${script} Low-cost airlines fly to Italy.`, metadata: { year: 2020 } },
      { id: "b", text: "The recipe needs flour.", metadata: { year: 2021 } },
    ];
    expect(await read(server.ask("/documents", { documents }))).toEqual([200, { stored: 2 }]);
    const [status, { hits }] = await read(server.ask("/search", { query: "cheap flights", explain: true }));
    expect(status).toBe(200);
    const [hit] = hits as { id: string; text: string; arms: { sparse: { rank: number; terms: object[] } } }[];
    expect(hit).toMatchObject({ id: `a/../${script}`, text: documents[0]!.text });
    expect(hit!.arms.sparse.rank).toBe(1);
    expect(hit!.arms.sparse.terms[0]).toMatchObject({
      token: expect.any(String),
      contribution: expect.any(Number),
    });
    const [, filtered] = await read(
      server.ask("/search", { query: "flour recipe for cheap flights", filter: { year: { $gt: 2020 } } }),
    );
    expect((filtered.hits as { id: string }[]).map(({ id }) => id)).toEqual(["b"]);
  });

  it("come one by one, by an id with slashes too, and go", async () => {
    const path = `/documents/${encodeURIComponent(`a/../${script}`)}`;
    const [status, document] = await read(server.ask(path));
    expect([status, document.metadata]).toEqual([200, { year: 2020 }]);
    const [, listing] = await read(server.ask("/documents?limit=1&after=a/../~"));
    expect(listing).toMatchObject({ count: 2, documents: [{ id: "b" }] });
    const deletion = {
      method: "DELETE",
      body: '{"ids":["b","x"]}',
      headers: { "content-type": "application/json" },
    };
    expect(await read(server.ask("/documents", undefined, deletion))).toEqual([200, { deleted: 1 }]);
    expect((await read(server.ask("/documents/b")))[0]).toBe(404);
  });

  it("count for keywords what they counted at first, when statistics are made anew", async () => {
    const documents = [1, 2, 3, 4, 5].map((number) => ({
      id: `keyword ${number}`,
      text: `wombats ${number}`,
      metadata: { title: "Quokka" },
    }));
    await using own = await startServer([]);
    await own.ask("/documents", { documents });
    const body = JSON.stringify({ ids: ["keyword 4", "keyword 5"] });
    const headers = { "content-type": "application/json" };
    await own.ask("/documents", undefined, { method: "DELETE", body, headers });
    const found = async (query: string) => {
      const [, { hits }] = await read(own.ask("/search", { query, weights: { sparse: 0 } }));
      return (hits as { id: string }[]).length;
    };
    expect([await found("wombats"), await found("quokka")]).toEqual([3, 0]);
  });

  it("take files up, and no paths", async () => {
    const send = (name: string, body: string | Uint8Array) =>
      read(server.ask(`/files/${name}`, undefined, { method: "PUT", body }));
    expect(await send("animals.md", "# Zebras\n\nThey have stripes.")).toEqual([
      200,
      { file: "uploads/animals.md", passages: 1 },
    ]);
    const [, { hits }] = await read(server.ask("/search", { query: "striped animals" }));
    expect((hits as { id: string }[])[0]!.id).toBe("uploads/animals.md#1");
    expect((await send("..%2F..%2Fetc%2Fpasswd.md", "a"))[0]).toBe(422);
    expect((await send("%2e%2e", "a"))[0]).toBeGreaterThanOrEqual(404);
    expect((await send("run.exe", "a"))[0]).toBe(415);
    expect((await send("broken.pdf", "a"))[0]).toBe(422);
    expect((await send("binary.txt", Buffer.from([0xff, 0])))[0]).toBe(422);
  });

  it("name files that cannot be read in time or at all, and answer others meanwhile", async () => {
    const send = (name: string, body: string) =>
      read(hasty.ask(`/files/${name}`, undefined, { method: "PUT", body }));
    await using hasty = await startServer(["--timeout", "3"]);
    expect((await send("warm.md", "# Warm"))[0]).toBe(200);
    // The parser of HTML takes a time that grows with the square of the depth.
    const slow = send("deep.html", "<div>".repeat(380_000));
    const started = performance.now();
    expect((await hasty.ask("/health")).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(1500);
    expect(await slow).toEqual([503, expect.objectContaining({ error_type: "Overloaded" })]);
    const [status, { error }] = await send("deep.md", `${">".repeat(20_000)}a`);
    expect(status === 503 ? "nests too deep" : error).toContain("nests too deep");
    expect((await send("fine.md", "# Fine"))[0]).toBe(200);
  });

  it.each([
    ["an empty query", { query: " " }, "`query` is empty"],
    ["an arm that is not there", { query: "a", weights: { dense: 1 } }, "no arm dense"],
    ["an unknown operator", { query: "a", filter: { year: { $near: 1 } } }, "$near"],
    ["too many hits", { query: "a", k: 1000 }, "k: "],
  ])("refuse %s", async (_case, body, message) => {
    expect(await read(server.ask("/search", body))).toEqual([
      422,
      { error: expect.stringContaining(message), error_type: "Validation" },
    ]);
  });

  it("refuse a document without an id", async () => {
    const [status, { error }] = await read(server.ask("/documents", { documents: [{ id: "", text: "a" }] }));
    expect([status, error]).toEqual([422, expect.stringContaining("id")]);
  });
});

describe("/explain", () => {
  it("weighs the words of a text, accents and case folded, and shows what query and document share", async () => {
    const [, answer] = await read(
      server.ask("/explain", { query: "Chéap FLIGHTS!", document: "Low-cost airlines" }),
    );
    const { query, score, shared } = answer as {
      query: { segments: { text: string; token?: string; weight?: number }[] };
      score: number;
      shared: { share: number; contribution: number }[];
    };
    expect(query.segments.map(({ text }) => text).join("")).toBe("Chéap FLIGHTS!");
    expect(query.segments.map(({ token }) => token)).toEqual(["cheap", undefined, "flights", "!"]);
    const vector = await encoder.encodeQuery("Chéap FLIGHTS!");
    expect(query.segments[0]!.weight).toBeCloseTo(vector.get(10036), 4);
    expect(score).toBeCloseTo(vector.dot(await encoder.encodeDocument("Low-cost airlines")), 3);
    expect(shared.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 5);
  });
});

describe("status", () => {
  it("is there for probes, monitoring and tools", async () => {
    expect(await read(server.ask("/health"))).toEqual([200, { status: "ok" }]);
    expect(await read(server.ask("/ready"))).toEqual([200, { status: "ok" }]);
    const [, info] = await read(server.ask("/info"));
    expect(info).toMatchObject({
      model_id: "splade-tiny",
      model_type: { embedding: { pooling: "splade" } },
      dimension: 30522,
    });
    const metrics = await (await server.ask("/metrics")).text();
    expect(metrics).toMatch(
      /^sparse_encoder_requests_total\{route="\/embed_sparse",method="POST",status="200"\} \d+$/m,
    );
    expect(metrics).not.toContain("evil");
    const [, api] = await read(server.ask("/openapi.json"));
    expect(Object.keys(api.paths as object)).toEqual(
      expect.arrayContaining([
        "/embed_sparse",
        "/search",
        "/documents/{id}",
        "/files/{name}",
        "/judgements",
        "/evaluate",
      ]),
    );
    expect((await read(server.ask("/nope/../etc")))[0]).toBe(404);
  });
});
