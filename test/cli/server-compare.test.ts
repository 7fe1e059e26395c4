import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAnswer as read } from "./read-answer.ts";
import { runCli, temporaryFolder } from "./run-cli.ts";
import { type RunningServer, startServer } from "./running-server.ts";

const other = fileURLToPath(new URL("../fixtures/models/bert-max-log1p", import.meta.url));
const corpus = [
  ["d1", "Low-cost airlines fly to Italy every day."],
  ["d2", "Pasta needs flour, eggs and patience."],
  ["d3", "Rome has many museums and cheap food."],
  ["d4", "The plane lands in the evening."],
  ["d5", "Apples grow on apple trees."],
] as const;
const queries = [
  ["q1", "cheap flights to Rome"],
  ["q2", "how to cook pasta"],
  ["q3", "a query without relevant documents"],
  ["q4", "a query that nobody judged"],
] as const;
const grades = {
  q1: { d1: 2, d3: 1, d2: 0 },
  q2: { d2: 1 },
  q3: { d5: 0 },
} as const;
const jsonLines = (rows: readonly (readonly [string, string])[]) =>
  rows.map(([_id, text]) => JSON.stringify({ _id, text })).join("\n");
const judgedPairs = Object.entries(grades).flatMap(([query, judged]) =>
  Object.entries(judged).map(([document, grade]) => [query, document, grade] as const),
);
const beirQrels = `query-id\tcorpus-id\tscore\n${judgedPairs.map((pair) => pair.join("\t")).join("\n")}\n`;
const trecQrels = judgedPairs.map(([query, document, grade]) => `${query} 0 ${document} ${grade}`).join("\n");

const folder = temporaryFolder();
let server: RunningServer;
const encoders: Record<string, SparseEncoder> = {};

beforeAll(async () => {
  mkdirSync(folder.file("qrels"));
  writeFileSync(folder.file("corpus.jsonl"), jsonLines(corpus));
  writeFileSync(folder.file("queries.jsonl"), jsonLines(queries));
  writeFileSync(folder.file("qrels/test.tsv"), beirQrels);
  writeFileSync(folder.file("qrels/trec.txt"), trecQrels);
  encoders["splade-tiny"] = await SparseEncoder.load();
  encoders[other] = await SparseEncoder.load(other);
  server = await startServer(["--beir", folder.path, "--compare", other]);
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const encoder of Object.values(encoders)) await encoder.close();
  folder[Symbol.dispose]();
});

/** What exhaustive search finds: the ids of documents that share a term with the query, by falling dot product. */
async function exhaustive(model: string, query: string, documents: readonly (readonly [string, string])[]) {
  const encoder = encoders[model]!;
  const vector = await encoder.encodeQuery(query);
  const scored = await Promise.all(
    documents.map(async ([id, text]) => ({ id, score: vector.dot(await encoder.encodeDocument(text)) })),
  );
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ id }) => id);
}

/** nDCG@10 with linear gain, written out for this test. */
function gainShare(ids: readonly string[], judged: Readonly<Record<string, number>>): number {
  const gain = (values: readonly number[]) =>
    values.slice(0, 10).reduce((sum, value, place) => sum + value / Math.log2(place + 2), 0);
  const ideal = Object.values(judged).sort((a, b) => b - a);
  return gain(ids.map((id) => judged[id] ?? 0)) / gain(ideal);
}

const idsOf = (answer: Record<string, unknown>) => (answer.hits as { id: string }[]).map(({ id }) => id);
const put = (body: unknown) =>
  read(
    server.ask("/judgements", undefined, {
      method: "PUT",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  );

describe.each(["splade-tiny", other])("the model %s", (model) => {
  it("is named, and ranks as exhaustive search with it does", async () => {
    const [, info] = await read(server.ask("/info"));
    expect([info.model_id, ...(info.compared_model_ids as string[])]).toContain(model);
    for (const [, query] of queries) {
      const [, answer] = await read(server.ask("/search", { query, model, weights: { keyword: 0 } }));
      expect(idsOf(answer), query).toEqual(await exhaustive(model, query, corpus));
    }
  });

  it("explains a text", async () => {
    const [, answer] = await read(server.ask("/explain", { document: "Cheap flights", model }));
    const { terms } = answer.document as { terms: { index: number; weight: number }[] };
    const vector = await encoders[model]!.encodeDocument("Cheap flights");
    expect(terms.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...vector.indices]);
    for (const { index, weight } of terms) expect(weight).toBeCloseTo(vector.get(index), 4);
  });

  it("is measured over the queries that have a relevant document, part by part", async () => {
    const settings = { model, weights: { keyword: 0 } };
    const expected = await Promise.all(
      (["q1", "q2"] as const).map(async (id) => {
        const [, text] = queries.find(([known]) => known === id)!;
        const ids = await exhaustive(model, text, corpus);
        return { id, text, ndcg_at_10: expect.closeTo(gainShare(ids, grades[id]), 10) };
      }),
    );
    const [, whole] = await read(server.ask("/evaluate", settings));
    const values = (whole.queries as { ndcg_at_10: number }[]).map(({ ndcg_at_10 }) => ndcg_at_10);
    expect(whole).toEqual({
      total: 2,
      queries: expected,
      mean_ndcg_at_10: expect.closeTo((values[0]! + values[1]!) / 2, 10),
    });
    expect(await read(server.ask("/evaluate", { ...settings, offset: 1, limit: 1 }))).toEqual([
      200,
      { total: 2, queries: [expected[1]], mean_ndcg_at_10: values[1] },
    ]);
    expect(await read(server.ask("/evaluate", { ...settings, offset: 2 }))).toEqual([
      200,
      { total: 2, queries: [] },
    ]);
  });

  it("takes part in changes of the index", async () => {
    const added = [["new", "Zebras have stripes and cheap flights."]] as const;
    await server.ask("/documents", { documents: [{ id: "new", text: added[0][1] }] });
    const search = async () => {
      const body = { query: "striped animals fly to Rome", model, weights: { keyword: 0 } };
      return idsOf((await read(server.ask("/search", body)))[1]);
    };
    const query = "striped animals fly to Rome";
    expect(await search()).toEqual(await exhaustive(model, query, [...corpus, ...added]));
    const init = {
      method: "DELETE",
      body: '{"ids":["new"]}',
      headers: { "content-type": "application/json" },
    };
    await server.ask("/documents", undefined, init);
    expect(await search()).toEqual(await exhaustive(model, query, corpus));
  });
});

describe("a server with two models", () => {
  it.each(["/search", "/explain", "/evaluate"])("refuses a model that it does not have: %s", async (path) => {
    const body = { query: "a", model: "<b>none</b>" };
    expect(await read(server.ask(path, body))).toEqual([
      422,
      {
        error: expect.stringMatching(
          /^The server has no model "<b>none<\/b>"; it has splade-tiny, .*bert-max/,
        ),
        error_type: "Validation",
      },
    ]);
  });

  it("refuses a model that comes twice, before documents are encoded", async () => {
    for (const names of [["splade-tiny"], [other, other]]) {
      const { code, stderr } = await runCli([
        "serve",
        "--port",
        "0",
        ...names.flatMap((name) => ["--compare", name]),
      ]);
      expect([code, stderr]).toEqual([2, expect.stringContaining("names a model that is there already")]);
    }
    const { code, stderr } = await runCli(["serve", "--mcp", "--compare", other]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("leave it out with --mcp")]);
  });

  it("encodes what an index has already, headings with the passages of files", async () => {
    using files = temporaryFolder();
    mkdirSync(files.file("texts"));
    writeFileSync(files.file("texts/a.md"), "# Zebras\n\nThey have stripes.");
    await runCli(["index", files.file("texts"), "--index", files.file("index")]);
    await using second = await startServer(["--index", files.file("index"), "--compare", other]);
    const search = { query: "zebras", model: other, weights: { keyword: 0 } };
    const [, answer] = await read(second.ask("/search", search));
    const [{ arms }] = answer.hits as [{ arms: { sparse: { score: number } } }];
    const encoder = encoders[other]!;
    const document = await encoder.encodeDocument("Zebras\nThey have stripes.");
    expect(arms.sparse.score).toBeCloseTo((await encoder.encodeQuery("zebras")).dot(document), 4);
  });
});

describe("judgements", () => {
  it.each([
    ["BEIR", `${beirQrels}q4\tgone\t1`],
    ["TREC", `${trecQrels}\nq4 0 gone 1`],
  ])("are taken in the layout of %s", async (_layout, qrels) => {
    const [status, answer] = await put({ queries: jsonLines(queries), qrels });
    expect([status, answer]).toEqual([200, { queries: 3, documents: 5, documents_found: 4 }]);
    expect((await read(server.ask("/evaluate", {})))[1]).toMatchObject({ total: 3 });
    const [, { queries: judged }] = await read(server.ask("/queries"));
    expect(judged).toEqual(queries.map(([id, text]) => ({ id, text })));
    await put({ queries: jsonLines(queries), qrels: beirQrels });
  });

  it.each([
    ["binary", { queries: "\u0000\u0001", qrels: beirQrels }, "queries, line 1: not valid JSON"],
    [
      "a broken line",
      { queries: `${jsonLines(queries)}\n{`, qrels: beirQrels },
      "queries, line 5: not valid JSON",
    ],
    [
      "a grade that is a word",
      { queries: jsonLines(queries), qrels: "q1\td1\tgood" },
      "qrels, line 1: the grade",
    ],
    [
      "other ids",
      { queries: jsonLines(queries), qrels: "1 0 d1 1" },
      'such as "q1" of a query and "1" of a judgement',
    ],
    [
      "no relevant document",
      { queries: jsonLines(queries), qrels: "q1 0 d1 0" },
      "No query has a relevant document",
    ],
    ["no queries", { queries: "", qrels: beirQrels }, "There are no queries."],
    ["no judgements", { queries: jsonLines(queries), qrels: "" }, "There are no judgements."],
    ["a missing field", { queries: jsonLines(queries) }, "qrels: "],
  ])("are refused where they are wrong, and the old ones stay: %s", async (_case, body, message) => {
    expect(await put(body)).toEqual([
      422,
      { error: expect.stringContaining(message), error_type: "Validation" },
    ]);
    expect((await read(server.ask("/evaluate", {})))[1]).toMatchObject({ total: 2 });
  });

  it("are given beside an index at the start, or else missed", async () => {
    const files = ["--queries", folder.file("queries.jsonl"), "--qrels", folder.file("qrels/trec.txt")];
    await using second = await startServer(files);
    await second.ask("/documents", { documents: corpus.map(([id, text]) => ({ id, text })) });
    expect((await read(second.ask("/evaluate", {})))[1]).toMatchObject({ total: 2 });
    await using bare = await startServer([]);
    expect(await read(bare.ask("/evaluate", {}))).toEqual([
      404,
      { error: expect.stringContaining("PUT /judgements"), error_type: "Validation" },
    ]);
    const alone = await runCli(["serve", "--queries", folder.file("queries.jsonl")]);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("go together")]);
    const both = await runCli(["serve", "--beir", folder.path, ...files]);
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("leave --queries and --qrels out")]);
    writeFileSync(folder.file("other.txt"), "1 0 d1 1");
    const wrong = await runCli(["serve", ...files.slice(0, 3), folder.file("other.txt")]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("No query is judged")]);
  });
});

describe("a foreign page", () => {
  const body = JSON.stringify({ queries: jsonLines(queries), qrels: "q1\td5\t1" });

  it.each([
    ["of another origin", { origin: "http://evil.example", "content-type": "application/json" }, 403],
    ["that sends what needs no question before", { "content-type": "text/plain" }, 415],
  ])("%s puts no judgements in", async (_case, headers, status) => {
    const [code] = await read(server.ask("/judgements", undefined, { method: "PUT", body, headers }));
    expect(code).toBe(status);
    expect((await read(server.ask("/evaluate", {})))[1]).toMatchObject({ total: 2 });
  });
});

describe("a page of an allowed origin", () => {
  it("may send files and judgements", async () => {
    const origin = "https://pages.example";
    await using open = await startServer(["--allow-origin", origin]);
    const { status, headers } = await open.ask("/judgements", undefined, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "PUT" },
    });
    expect([status, headers.get("access-control-allow-methods")]).toEqual([
      204,
      expect.stringContaining("PUT"),
    ]);
  });
});
