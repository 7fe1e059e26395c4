import { z } from "zod";
import { shortFloat } from "../../encode/encoded-line.ts";
import { ApiError } from "../api-error.ts";
import type { ServerContext } from "../server-context.ts";
import { bodyRoute } from "./api-route.ts";
import { textsOf } from "./inputs.ts";

const rerankRequest = z.object({
  query: z.string(),
  texts: z.array(z.string()),
  /** The numbers of the model as they are, and not between 0 and 1. */
  raw_scores: z.boolean().nullish(),
  return_text: z.boolean().nullish(),
  /** Longer pairs are cut with `true`, and refused otherwise. */
  truncate: z.boolean().nullish(),
  truncation_direction: z.enum(["Right", "right"]).optional(),
});

const rerankResponse = z.array(
  z.object({ index: z.number().int(), score: z.number(), text: z.string().optional() }),
);

/** Texts by their relevance for a query, best first, as text-embeddings-inference gives them. */
export const rerankRoute = bodyRoute({
  method: "post",
  path: "/rerank",
  summary: "Texts by their relevance for a query",
  tag: "text-embeddings-inference",
  body: rerankRequest,
  response: rerankResponse,
  async handle({ query, texts, raw_scores, return_text, truncate }, { context, signal }) {
    const reranker = rerankerOf(context);
    const checked = textsOf(texts, context, "texts");
    let cutPairs = 0;
    const activation = raw_scores === true ? "identity" : "sigmoid";
    const batchSize = context.limits.batchTexts;
    const ranked = await reranker.rank(query, checked, {
      activation,
      batchSize,
      signal,
      onProgress: ({ cutTexts }) => {
        cutPairs = cutTexts;
      },
    });
    if (truncate === false && cutPairs > 0) throw tooLong(cutPairs, reranker.maxSeqLength);
    return ranked.map(({ index, score, text }) => ({
      index,
      score: shortFloat(score),
      ...(return_text === true && { text }),
    }));
  },
});

function rerankerOf({ reranker }: ServerContext) {
  if (reranker === undefined) {
    throw new ApiError(424, "Backend", "The server was started without a reranker: add --reranker <model>.");
  }
  return reranker;
}

function tooLong(pairs: number, most: number): ApiError {
  return new ApiError(
    413,
    "Validation",
    `The query has more than the ${most} tokens of the model with ${pairs} of the texts; truncate: true cuts such pairs.`,
  );
}
