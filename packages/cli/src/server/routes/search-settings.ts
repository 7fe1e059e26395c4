import { HybridRetriever, type RetrieveOptions, SparseMatrix } from "@sparse-encoder/core";
import { z } from "zod";
import { armNames } from "../../collection/arms.ts";
import type { Collection } from "../../collection/collection.ts";
import { fusionNames } from "../../search/fusion-names.ts";
import { ApiError, invalidRequest } from "../api-error.ts";
import { kindKey } from "../encode-kind.ts";
import { comparedModel, type ServerContext, servedModel } from "../server-context.ts";
import type { ApiCall } from "./api-route.ts";

/** Field of a request that names a sparse model. */
export const modelField = z
  .string()
  .optional()
  .describe("Sparse model: the model of the index, which is the default, or a model of --compare");

/** Fields of a request that say how the index is searched. */
export const searchSettings = {
  model: modelField,
  fusion: z.enum(fusionNames).default(fusionNames[0]!),
  weights: z.partialRecord(z.enum(armNames), z.number().nonnegative()).optional(),
  max_active_dims: z.number().int().positive().optional().describe("Weights of the query that are used"),
};

/** Values of these fields. */
export type SearchSettings = z.infer<z.ZodObject<typeof searchSettings>>;

/** @throws ApiError 404 for a server without an index */
export function collectionOf({ collection }: ServerContext): Collection {
  if (collection === undefined)
    throw new ApiError(404, "Validation", "The server was started without an index.");
  return collection;
}

/**
 * What searches the index of the server with these settings.
 * @throws ApiError for an arm or a model that the server does not have
 */
export function searchWith(
  { model, fusion, weights, max_active_dims: maxActiveDims }: SearchSettings,
  call: ApiCall,
): { readonly retriever: HybridRetriever; readonly options: RetrieveOptions } {
  const collection = collectionOf(call.context);
  if (weights !== undefined) checkArms(weights, collection);
  return {
    retriever: retrieverOf(collection, model, maxActiveDims, call),
    options: {
      fusion,
      signal: call.signal,
      ...(weights !== undefined && { weights: definedWeights(weights) }),
    },
  };
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
  { dense, keyword, store }: Collection,
  model: string | undefined,
  maxActiveDims: number | undefined,
  { context }: ApiCall,
): HybridRetriever {
  const { denseTexts } = context;
  const { encoder, texts: sparseTexts } = servedModel(context, model);
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
      sparse: { encoder: queries, store: comparedModel(context, model)?.store ?? store },
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
