import { type Computation, computationOf, type Dtype } from "./number-format.ts";
import type { OpenModel } from "./open-model.ts";

/** What an encoder is, for a person who wonders why something looks wrong. */
export interface EncoderDescription {
  /** Absolute path of the model folder. */
  readonly folder: string;
  /** `model_type` of the transformer, such as `bert`; of several, if queries and documents have one each. */
  readonly family: string;
  /** Modules of plain encode, of queries and of documents, in the order in which they run. */
  readonly modules: { readonly plain: string[]; readonly query: string[]; readonly document: string[] };
  /** The number format that was asked for. */
  readonly dtype: Dtype;
  /** What the device multiplies: `float32` where it has no use for the format; `none` for a model without inference. */
  readonly computation: Computation | "none";
  /** Files that the weights are read from. */
  readonly weightsFiles: readonly string[];
  /** Bytes of all weights. */
  readonly weightsBytes: number;
  /** Width of an embedding. */
  readonly dimension: number;
  /** Longest input in tokens, special tokens included. */
  readonly maxSeqLength: number;
  /** Prompts by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Name of the prompt that plain `encode` uses; undefined for none. */
  readonly defaultPromptName: string | undefined;
  /** The device that runs the model, such as `cpu`; `none` for a model without inference. */
  readonly device: string;
  /** Most worker threads, and threads that each may use; 0 for a model without inference. */
  readonly workers: number;
  /** CPU threads of each worker. */
  readonly threads: number;
}

/** Describes an opened model and the settings of its encoder. */
export function describeModel(
  model: OpenModel<unknown>,
  settings: Pick<EncoderDescription, "dimension" | "maxSeqLength" | "prompts" | "defaultPromptName">,
): EncoderDescription {
  const { description, dtype, pipelines, ownWorkers } = model;
  const kinds = (route: "plain" | "query" | "document") =>
    description.routes[route].map((module) => module.kind);
  const compiled = pipelines.flatMap((pipeline) => pipeline.compiled ?? []);
  const tables = [...new Set(pipelines.flatMap(({ weights }) => weights))];
  const exports = compiled.flatMap(({ exportFile }) => exportFile ?? []);
  const [pool] = ownWorkers;
  return {
    folder: description.folder,
    family: compiled.map(({ family }) => family).join(", ") || "none",
    modules: { plain: kinds("plain"), query: kinds("query"), document: kinds("document") },
    dtype,
    computation: pool && compiled[0] ? computationOf(dtype, pool.device, compiled[0]) : "none",
    weightsFiles: [...new Set([...tables.flatMap(({ files }) => files), ...exports])],
    weightsBytes: tables.reduce((sum, { byteLength }) => sum + byteLength, 0),
    ...settings,
    device: pool?.device.name ?? "none",
    workers: ownWorkers.reduce((sum, { workers }) => sum + workers, 0),
    threads: pool?.threads ?? 0,
  };
}
