import { z } from "zod";
import { ApiError } from "../api-error.ts";
import { apiRoute } from "./api-route.ts";

const statusSchema = z.object({ status: z.literal("ok") });

export const healthRoute = apiRoute({
  method: "get",
  path: "/health",
  summary: "Whether the process answers",
  tag: "status",
  response: statusSchema,
  handle: async () => ({ status: "ok" }),
});

export const readyRoute = apiRoute({
  method: "get",
  path: "/ready",
  summary: "Whether requests are taken: not any more while the server ends",
  tag: "status",
  response: statusSchema,
  async handle({ context }) {
    if (!context.isReady()) throw new ApiError(503, "Unhealthy", "The server is ending.", 5);
    return { status: "ok" };
  },
});

const infoSchema = z.object({
  model_id: z.string(),
  model_sha: z.string().nullable(),
  model_dtype: z.string(),
  compared_model_ids: z.array(z.string()).describe("Further sparse models, of --compare"),
  model_type: z.object({ embedding: z.object({ pooling: z.string() }) }),
  max_concurrent_requests: z.number().int(),
  max_input_length: z.number().int(),
  max_batch_tokens: z.number().int(),
  max_batch_requests: z.number().int().nullable(),
  max_client_batch_size: z.number().int(),
  auto_truncate: z.boolean(),
  tokenization_workers: z.number().int(),
  version: z.string(),
  sha: z.string().nullable(),
  docker_label: z.string().nullable(),
  dimension: z.number().int(),
  dense_model_id: z.string().nullable(),
  dense_dimension: z.number().int().nullable(),
  reranker_model_id: z.string().nullable(),
  has_vocabulary: z.boolean(),
  max_body_bytes: z.number().int(),
  similarity: z.string(),
  prompts: z.record(z.string(), z.string()),
  dense_max_input_length: z.number().int().nullable(),
  dense_similarity: z.string().nullable(),
  dense_prompts: z.record(z.string(), z.string()).nullable(),
});

export const infoRoute = apiRoute({
  method: "get",
  path: "/info",
  summary: "The models and limits of the server",
  tag: "text-embeddings-inference",
  response: infoSchema,
  async handle({ context }) {
    const { encoder, dense, limits } = context;
    const { dtype, maxSeqLength, dimension, workers } = encoder.describe();
    return {
      model_id: context.model,
      model_sha: null,
      model_dtype: dtype === "fp32" ? "float32" : "int8",
      compared_model_ids: context.compared.map(({ name }) => name),
      model_type: { embedding: { pooling: "splade" } },
      max_concurrent_requests: limits.requests,
      max_input_length: maxSeqLength,
      max_batch_tokens: limits.batchTexts * maxSeqLength,
      max_batch_requests: limits.batchTexts,
      max_client_batch_size: limits.requestTexts,
      auto_truncate: true,
      tokenization_workers: Math.max(1, workers),
      version: context.version,
      sha: null,
      docker_label: null,
      dimension,
      dense_model_id: context.denseModel ?? null,
      dense_dimension: dense?.embeddingDimension ?? null,
      reranker_model_id: context.rerankerModel ?? null,
      has_vocabulary: true,
      max_body_bytes: limits.bodyBytes,
      similarity: encoder.similarityFunction,
      prompts: encoder.prompts,
      dense_max_input_length: dense?.maxSeqLength ?? null,
      dense_similarity: dense?.similarityFunction ?? null,
      dense_prompts: dense?.prompts ?? null,
    };
  },
});

export const vocabularyRoute = apiRoute({
  method: "get",
  path: "/vocabulary",
  summary: "The vocabulary piece of each dim of a sparse vector",
  tag: "status",
  response: z.array(z.string()),
  async handle({ context: { encoder } }) {
    return Array.from({ length: encoder.embeddingDimension }, (_, index) => encoder.tokenOf(index));
  },
});
