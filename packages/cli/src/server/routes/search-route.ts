import { type Filter, HybridRetriever, type RetrievedDocument, SparseMatrix } from "@sparse-encoder/core";
import { z } from "zod";
import { armNames } from "../../collection/arms.ts";
import type { Collection } from "../../collection/collection.ts";
import { fusionNames } from "../../search/fusion-names.ts";
import { ApiError, invalidRequest } from "../api-error.ts";
import { kindKey } from "../encode-kind.ts";
import { judgedNdcg } from "../judgement-set.ts";
import type { ServerContext } from "../server-context.ts";
import { type ApiCall, bodyRoute } from "./api-route.ts";

/** Most hits of a search. */
const mostHits = 100;

const searchRequest = z.object({
  query: z.string(),
  k: z.number().int().positive().max(mostHits).default(10),
  filter: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Conditions on metadata, such as { year: { $gte: 2020 } }"),
  fusion: z.enum(fusionNames).default("distributionScore"),
  weights: z.partialRecord(z.enum(armNames), z.number().nonnegative()).optional(),
  max_active_dims: z.number().int().positive().optional().describe("Weights of the query that are used"),
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
  async handle({ query, k, filter, fusion, weights, max_active_dims, explain }, call) {
    const collection = collectionOf(call.context);
    if (query.trim() === "") throw invalidRequest("`query` is empty.");
    if (weights !== undefined) checkArms(weights, collection);
    const hits = await retrieverOf(collection, max_active_dims, call).retrieve(query, {
      k,
      fusion,
      explain,
      signal: call.signal,
      ...(filter !== undefined && { filter: filter as Filter }),
      ...(weights !== undefined && { weights: definedWeights(weights) }),
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

/** @throws ApiError 404 for a server without an index */
export function collectionOf({ collection }: ServerContext): Collection {
  if (collection === undefined)
    throw new ApiError(404, "Validation", "The server was started without an index.");
  return collection;
}

function checkArms(weights: object, { arms }: Collection): void {
  const unknown = Object.keys(weights).find((name) => !arms.some((arm) => arm === name));
  if (unknown !== undefined)
    throw invalidRequest(`The index has no arm ${unknown}; it has ${arms.join(", ")}.`);
}

function definedWeights(weights: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(weights).flatMap(([name, weight]) => (weight === undefined ? [] : [[name, weight]])),
  );
}

/** A retriever whose queries are encoded together with the queries of other requests, cut to a number of weights. */
function retrieverOf(
  { encoder, dense, keyword, store }: Collection,
  maxActiveDims: number | undefined,
  { context: { sparseTexts, denseTexts } }: ApiCall,
): HybridRetriever {
  const queries = {
    encodeQuery: async (texts: readonly string[], { signal }: { readonly signal: AbortSignal }) => {
      const vectors = await sparseTexts.add(kindKey({ task: "query", maxActiveDims }), texts, signal);
      return SparseMatrix.fromRows(vectors, encoder.embeddingDimension);
    },
    encodeDocument: encoder.encodeDocument.bind(encoder),
    tokenOf: (index: number) => encoder.tokenOf(index),
  };
  return new HybridRetriever({
    arms: {
      sparse: { encoder: queries, store },
      keyword: { encoder: keyword, store },
      ...(dense !== undefined &&
        denseTexts !== undefined && {
          dense: {
            store,
            embed: (texts, { kind, signal }) => denseTexts.add(kindKey({ task: kind }), texts, signal),
          },
        }),
    },
  });
}

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
