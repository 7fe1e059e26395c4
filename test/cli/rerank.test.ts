import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenPairs, readRerankerGolden, rerankerFolder } from "../helpers/reranker-folders.ts";
import { type RunningServer, startServer } from "./running-server.ts";

const golden = readRerankerGolden("bert");
/** The pairs of the golden file that share the first one's query. */
const [query] = goldenPairs[0]!;
const documents = goldenPairs.map(([, document]) => document);

let server: RunningServer;
let folder: string;

beforeAll(async () => {
  folder = rerankerFolder("bert");
  server = await startServer(["--reranker", folder, "--max-texts", "64", "--workers", "1"]);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Ranked {
  readonly index: number;
  readonly score: number;
  readonly text?: string;
}

async function ranking(body: object): Promise<Ranked[]> {
  const response = await server.ask("/rerank", body);
  expect(response.status).toBe(200);
  return (await response.json()) as Ranked[];
}

describe("/rerank", () => {
  it("gives the reference's score of each pair, as it is or between 0 and 1", async () => {
    for (const [number, [asked, document]] of goldenPairs.slice(0, 6).entries()) {
      const body = { query: asked, texts: [document] };
      const [raw] = await ranking({ ...body, raw_scores: true });
      expect(raw!.score).toBeCloseTo((golden.logits as number[])[number]!, 4);
      const [scaled] = await ranking(body);
      expect(scaled!.score).toBeCloseTo(1 / (1 + Math.exp(-(golden.logits as number[])[number]!)), 4);
    }
  });

  it("orders the texts as the reference does, with their text where it is asked for", async () => {
    const ranked = await ranking({ query, texts: documents, return_text: true });
    expect(ranked.map(({ score }) => score)).toEqual(
      ranked.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    expect(ranked.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([...documents.keys()]);
    for (const { index, text } of ranked) expect(text).toBe(documents[index]);
    expect(Object.keys((await ranking({ query, texts: ["a"] }))[0]!)).toEqual(["index", "score"]);
  });

  it("cuts long pairs, unless truncate is false", async () => {
    const body = { query, texts: ["word ".repeat(2000)] };
    expect(await ranking(body)).toHaveLength(1);
    const refused = await server.ask("/rerank", { ...body, truncate: false });
    expect(refused.status).toBe(413);
    expect(((await refused.json()) as { error: string }).error).toMatch(
      /with 1 of the texts; truncate: true/,
    );
    expect(await ranking({ query, texts: ["short"], truncate: false })).toHaveLength(1);
  });

  it.each([
    ["no texts", { query: "a", texts: [] }, 422, "`texts` is empty"],
    ["no query", { texts: ["a"] }, 422, "query"],
    ["too many texts", { query: "a", texts: Array(65).fill("a") }, 413, "at most 64"],
  ])("refuses %s", async (_, body, status, message) => {
    const response = await server.ask("/rerank", body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toContain(message);
  });

  it("stands in /info and in the description", async () => {
    const info = (await (await server.ask("/info")).json()) as { reranker_model_id: string };
    expect(info.reranker_model_id).toBe(folder);
    const { paths } = (await (await server.ask("/openapi.json")).json()) as { paths: object };
    expect(paths).toHaveProperty("/rerank");
  });

  it("says what to add where the server has no reranker", async () => {
    await using other = await startServer(["--workers", "1"]);
    const response = await other.ask("/rerank", { query: "a", texts: ["b"] });
    expect(response.status).toBe(424);
    expect(((await response.json()) as { error: string }).error).toContain("--reranker <model>");
  });
});
