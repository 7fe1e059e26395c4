import type { Filter, RetrievedDocument } from "@sparse-encoder/core";
import { z } from "zod";
import { armNames } from "../../collection/arms.ts";
import { invalidRequest } from "../api-error.ts";
import { judgedNdcg } from "../judgement-set.ts";
import { bodyRoute } from "./api-route.ts";
import { searchSettings, searchWith } from "./search-settings.ts";

/** Most hits of a search. */
const mostHits = 100;

const searchRequest = z.object({
  query: z.string(),
  k: z.number().int().positive().max(mostHits).default(10),
  filter: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Conditions on metadata, such as { year: { $gte: 2020 } }"),
  ...searchSettings,
  explain: z.boolean().default(false),
});

const termSchema = z.object({
  index: z.number().int(),
  token: z.string().optional(),
  query_weight: z.number(),
  document_weight: z.number(),
  contribution: z.number(),
});

const armSchema = z.object({
  rank: z.number().int(),
  score: z.number(),
  terms: z.array(termSchema).optional(),
});

const hitSchema = z.object({
  id: z.string(),
  text: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  score: z.number(),
  fused_score: z.number(),
  arms: z.partialRecord(z.enum(armNames), armSchema),
  grade: z.number().optional().describe("Grade of the hit, where the query is judged"),
});

const searchResponse = z.object({
  hits: z.array(hitSchema),
  ndcg_at_10: z.number().optional().describe("Quality of the ranking, where the query is judged"),
});

/** Searches the index of the server. */
export const searchRoute = bodyRoute({
  method: "post",
  path: "/search",
  summary: "The best documents for a query, with the rank of each in every arm",
  tag: "search",
  body: searchRequest,
  response: searchResponse,
  async handle({ query, k, filter, explain, ...settings }, call) {
    if (query.trim() === "") throw invalidRequest("`query` is empty.");
    const { retriever, options } = searchWith(settings, call);
    const hits = await retriever.retrieve(query, {
      ...options,
      k,
      explain,
      ...(filter !== undefined && { filter: filter as Filter }),
    });
    const judged = call.context.judgements?.of(query);
    return {
      hits: hits.map((hit) => ({
        ...hitOf(hit),
        ...(judged !== undefined && { grade: judged.get(hit.id) ?? 0 }),
      })),
      ...(judged !== undefined && { ndcg_at_10: judgedNdcg(hits, judged) }),
    };
  },
});

/** A hit in the names of the API. */
export function hitOf({ id, text, metadata, score, fusedScore, arms }: RetrievedDocument) {
  return {
    id,
    text,
    metadata,
    score,
    fused_score: fusedScore,
    arms: Object.fromEntries(
      Object.entries(arms).map(([name, { rank, score: armScore, terms }]) => [
        name,
        {
          rank,
          score: armScore,
          ...(terms !== undefined && {
            terms: terms.map((term) => ({
              index: term.index,
              token: term.token,
              query_weight: term.queryWeight,
              document_weight: term.documentWeight,
              contribution: term.contribution,
            })),
          }),
        },
      ]),
    ),
  };
}
