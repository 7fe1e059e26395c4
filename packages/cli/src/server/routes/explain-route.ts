import type { SparseVector } from "@sparse-encoder/core";
import { z } from "zod";
import { sharedTerms, textTerms } from "../../explain/term-share.ts";
import { textSegments } from "../../explain/text-segments.ts";
import { invalidRequest } from "../api-error.ts";
import { kindKey } from "../encode-kind.ts";
import { type ServedModel, servedModel } from "../server-context.ts";
import { bodyRoute } from "./api-route.ts";
import { modelField } from "./search-settings.ts";

const explainRequest = z.object({
  model: modelField,
  query: z.string().optional(),
  document: z.string().optional(),
  max_active_dims: z.number().int().positive().optional(),
});

const termSchema = z.object({
  index: z.number().int(),
  token: z.string(),
  weight: z.number(),
  in_text: z.boolean(),
});

const segmentSchema = z.object({
  text: z.string(),
  index: z.number().int().optional(),
  token: z.string().optional(),
  weight: z.number().optional(),
});

const textSchema = z.object({
  active_dims: z.number().int(),
  tokens: z.number().int().describe("Tokens that the model reads, special ones included"),
  max_tokens: z.number().int().describe("Most tokens that the model reads; what comes after them is cut"),
  terms: z.array(termSchema),
  segments: z.array(segmentSchema),
});

const sharedSchema = z.object({
  index: z.number().int(),
  token: z.string(),
  query_weight: z.number(),
  document_weight: z.number(),
  contribution: z.number(),
  share: z.number(),
});

const explainResponse = z.object({
  query: textSchema.optional(),
  document: textSchema.optional(),
  score: z.number().optional(),
  shared: z.array(sharedSchema).optional(),
});

/** What a text activates, and what a query and a document share. */
export const explainRoute = bodyRoute({
  method: "post",
  path: "/explain",
  summary: "The terms of a query, of a document, and what they share",
  tag: "search",
  body: explainRequest,
  response: explainResponse,
  async handle({ query, document, model: name, max_active_dims: maxActiveDims }, call) {
    if (query === undefined && document === undefined) throw invalidRequest("Give query, document or both.");
    const model = servedModel(call.context, name);
    const { encoder } = model;
    const [left, right] = await Promise.all([
      query === undefined ? undefined : encoded(query, "query", maxActiveDims, model, call.signal),
      document === undefined ? undefined : encoded(document, "document", maxActiveDims, model, call.signal),
    ]);
    return {
      query: left?.described,
      document: right?.described,
      ...(left !== undefined &&
        right !== undefined && {
          score: left.vector.dot(right.vector),
          shared: sharedTerms(encoder, left.vector, right.vector).map((term) => ({
            index: term.index,
            token: term.token,
            query_weight: term.queryWeight,
            document_weight: term.documentWeight,
            contribution: term.contribution,
            share: term.share,
          })),
        }),
    };
  },
});

async function encoded(
  text: string,
  task: "query" | "document",
  maxActiveDims: number | undefined,
  { encoder, texts }: ServedModel,
  signal: AbortSignal,
): Promise<{ readonly vector: SparseVector; readonly described: z.infer<typeof textSchema> }> {
  const [vector] = await texts.add(kindKey({ task, maxActiveDims }), [text], signal);
  const [ids] = await encoder.tokenize([text]);
  const terms = await textTerms(encoder, text, vector!);
  return {
    vector: vector!,
    described: {
      active_dims: vector!.activeDims,
      tokens: ids!.length,
      max_tokens: encoder.describe().maxSeqLength,
      terms: terms.map(({ index, token, weight, isInText }) => ({ index, token, weight, in_text: isInText })),
      segments: textSegments(
        text,
        ids!,
        (id) => encoder.tokenOf(id),
        (id) => (id < vector!.dimension ? vector!.get(id) : 0),
      ),
    },
  };
}
