import { invalidArgument } from "../../errors.ts";
import { type SimilarityFunction, similarityFunctions } from "../../vector/index.ts";
import { invalidAnswer } from "./remote-failure.ts";

/** What a server says of one of its models; undefined where it says nothing. */
export interface ServerModel {
  readonly name: string | undefined;
  readonly dimension: number | undefined;
  /** Longest input in tokens. */
  readonly maxSeqLength: number | undefined;
  readonly similarity: SimilarityFunction | undefined;
  readonly prompts: Readonly<Record<string, string>> | undefined;
}

/** What a server says of itself in `/info`. */
export interface ServerDescription {
  readonly sparse: ServerModel;
  /** Of a server that has one model, the same. */
  readonly dense: ServerModel;
  /** Most texts of a request; undefined if it does not tell it. */
  readonly mostTexts: number | undefined;
  /** Most bytes of a body; undefined if it does not tell it. */
  readonly mostBytes: number | undefined;
  /** A server of this library: it has a vocabulary, and takes `task`, `prompt` and `max_active_dims`. */
  readonly isOurs: boolean;
}

/** @throws SparseEncoderError `REMOTE_INVALID` */
export function readDescription(url: URL, answer: unknown): ServerDescription {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    throw invalidAnswer(new URL("info", url), "not a description of a server");
  }
  const info = answer as Readonly<Record<string, unknown>>;
  const isOurs = info.has_vocabulary === true;
  return {
    sparse: readModel(info, ""),
    dense: readModel(info, isOurs || "dense_dimension" in info ? "dense_" : ""),
    mostTexts: countIn(info.max_client_batch_size),
    mostBytes: countIn(info.max_body_bytes),
    isOurs,
  };
}

function readModel(info: Readonly<Record<string, unknown>>, prefix: "" | "dense_"): ServerModel {
  const name = info[`${prefix}model_id`];
  return {
    name: typeof name === "string" ? name : undefined,
    dimension: countIn(info[`${prefix}dimension`]),
    maxSeqLength: countIn(info[`${prefix}max_input_length`]),
    similarity: similarityFunctions.find((known) => known === info[`${prefix}similarity`]),
    prompts: promptsOf(info[`${prefix}prompts`]),
  };
}

function countIn(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}

function promptsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([, prompt]) => typeof prompt === "string"));
}

/**
 * The width of embeddings: what the caller says, else what the server says; undefined if neither does.
 * @throws SparseEncoderError `INVALID_ARGUMENT` if they say different things
 */
export function widthOf(
  call: string,
  { origin }: URL,
  asked: number | undefined,
  told: number | undefined,
): number | undefined {
  if (asked !== undefined && told !== undefined && asked !== told) {
    throw invalidArgument(`${call}: dimension is ${asked}, but ${origin} has a model of ${told}.`);
  }
  return asked ?? told;
}
