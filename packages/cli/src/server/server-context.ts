import type { CrossEncoder, DenseEncoder, SparseEncoder, SparseVector } from "@sparse-encoder/core";
import type { Collection } from "../collection/collection.ts";
import { invalidRequest } from "./api-error.ts";
import type { ComparedModel } from "./compared-model.ts";
import type { ServerLimits } from "./guards/server-limits.ts";
import type { JudgementSet } from "./judgement-set.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import type { TextBatcher } from "./text-batcher.ts";

/** What the routes of a server work with. */
export interface ServerContext {
  readonly encoder: SparseEncoder;
  readonly dense: DenseEncoder | undefined;
  /** Undefined for a server without a reranker. */
  readonly reranker: CrossEncoder | undefined;
  /** Undefined for a server without an index. */
  readonly collection: Collection | undefined;
  /** Undefined for a server without judgements; replaced by judgements that are sent. */
  judgements: JudgementSet | undefined;
  /** Further sparse models over the documents of the index. */
  readonly compared: readonly ComparedModel[];
  /** Names of the models, as they were given. */
  readonly model: string;
  readonly denseModel: string | undefined;
  readonly rerankerModel: string | undefined;
  readonly sparseTexts: TextBatcher<SparseVector>;
  readonly denseTexts: TextBatcher<Float32Array> | undefined;
  readonly limits: ServerLimits;
  readonly metrics: ServerMetrics;
  readonly version: string;
  /** False while the server ends. */
  readonly isReady: () => boolean;
}

/** A sparse model that texts are encoded with. */
export interface ServedModel {
  readonly encoder: SparseEncoder;
  readonly texts: TextBatcher<SparseVector>;
}

/** The names of all sparse models; the first is the model of the index. */
export function modelNames({ model, compared }: ServerContext): readonly string[] {
  return [model, ...compared.map(({ name }) => name)];
}

/**
 * A compared model by its name; undefined for the model of the index, which is the default.
 * @throws ApiError 422 for a model that the server does not have
 */
export function comparedModel(context: ServerContext, name: string | undefined): ComparedModel | undefined {
  if (name === undefined || name === context.model) return undefined;
  const found = context.compared.find((compared) => compared.name === name);
  if (found !== undefined) return found;
  const names = modelNames(context).join(", ");
  throw invalidRequest(
    `The server has no model ${JSON.stringify(name.slice(0, 200))}; it has ${names}. See --compare.`,
  );
}

/**
 * The model that a request names.
 * @throws ApiError 422 for a model that the server does not have
 */
export function servedModel(context: ServerContext, name: string | undefined): ServedModel {
  return comparedModel(context, name) ?? { encoder: context.encoder, texts: context.sparseTexts };
}
