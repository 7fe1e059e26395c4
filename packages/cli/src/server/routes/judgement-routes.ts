import { z } from "zod";
import { ApiError, invalidRequest } from "../api-error.ts";
import { type JudgementSet, judgedNdcg, readJudgements } from "../judgement-set.ts";
import type { ServerContext } from "../server-context.ts";
import { apiRoute, bodyRoute } from "./api-route.ts";
import { collectionOf, searchSettings, searchWith } from "./search-settings.ts";

/** Hits whose ranks the figures look at. */
const judgedHits = 10;

/** Queries of a request that measures, at most and where no number is given. */
const measuredQueries = 100;

/** Judged documents that are looked for together. */
const documentsAtOnce = 500;

const queriesResponse = z.object({ queries: z.array(z.object({ id: z.string(), text: z.string() })) });

export const judgedQueriesRoute = apiRoute({
  method: "get",
  path: "/queries",
  summary: "Queries with judgements, if the server has some",
  tag: "judgements",
  response: queriesResponse,
  async handle({ context: { judgements } }) {
    return { queries: (judgements?.queries ?? []).map(({ id, text }) => ({ id, text })) };
  },
});

/** Takes judgements from files that a person sends. */
export const putJudgementsRoute = bodyRoute({
  method: "put",
  path: "/judgements",
  summary: "Judgements in place of the judgements that the server has, kept in memory",
  tag: "judgements",
  body: z.object({
    queries: z.string().describe("Contents of queries.jsonl as in BEIR: lines of JSON with _id and text"),
    qrels: z
      .string()
      .describe("Contents of a file of judgements, as in BEIR (.tsv) or TREC (query, 0, document, grade)"),
  }),
  response: z.object({
    queries: z.number().int().describe("Queries with a relevant document"),
    documents: z.number().int().describe("Documents that are judged"),
    documents_found: z.number().int().describe("Judged documents that the index has"),
  }),
  async handle({ queries, qrels }, { context, signal }) {
    const files = {
      queries: { name: "queries", content: queries },
      qrels: { name: "qrels", content: qrels },
    };
    const set = await readJudgements(files, invalidRequest);
    const documents = new Set(set.queries.flatMap(({ grades }) => [...grades.keys()]));
    const found = await countFound(context, [...documents], signal);
    context.judgements = set;
    return { queries: set.measured.length, documents: documents.size, documents_found: found };
  },
});

async function countFound(
  context: ServerContext,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const { store } = collectionOf(context);
  let found = 0;
  for (let start = 0; start < ids.length; start += documentsAtOnce) {
    const part = await store.get(ids.slice(start, start + documentsAtOnce), { signal });
    found += part.filter((document) => document !== undefined).length;
  }
  return found;
}

/** Searches with judged queries and measures the rankings, part by part. */
export const evaluateRoute = bodyRoute({
  method: "post",
  path: "/evaluate",
  summary: "nDCG@10 of judged queries with these settings: a part of the queries, and their mean",
  tag: "judgements",
  body: z.object({
    ...searchSettings,
    offset: z.number().int().nonnegative().default(0).describe("Queries that are passed over"),
    limit: z.number().int().positive().max(measuredQueries).default(measuredQueries),
  }),
  response: z.object({
    total: z.number().int().describe("Queries with a relevant document, in all parts"),
    mean_ndcg_at_10: z.number().optional().describe("Mean of this part; left out where it has no query"),
    queries: z.array(z.object({ id: z.string(), text: z.string(), ndcg_at_10: z.number() })),
  }),
  async handle({ offset, limit, ...settings }, call) {
    const { measured } = judgementsOf(call.context);
    const { retriever, options } = searchWith(settings, call);
    const part = measured.slice(offset, offset + limit);
    const texts = part.map(({ text }) => text);
    const rankings = await retriever.retrieveMany(texts, { ...options, k: judgedHits });
    const queries = part.map(({ id, text, grades }, place) => ({
      id,
      text,
      ndcg_at_10: judgedNdcg(rankings[place]!, grades),
    }));
    const sum = queries.reduce((total, { ndcg_at_10 }) => total + ndcg_at_10, 0);
    return {
      total: measured.length,
      ...(queries.length > 0 && { mean_ndcg_at_10: sum / queries.length }),
      queries,
    };
  },
});

function judgementsOf({ judgements }: ServerContext): JudgementSet {
  if (judgements !== undefined) return judgements;
  throw new ApiError(
    404,
    "Validation",
    "The server has no judgements: send them to PUT /judgements, or start it with --beir, or with --queries and --qrels.",
  );
}
