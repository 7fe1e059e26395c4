import { invalidArgument, received } from "../errors.ts";
import { callback, checkOptionNames, count, declareOptions, number, rule } from "../options/index.ts";
import type { Metadata, NativeFusion } from "../stores/index.ts";
import type { Arm, CallContext } from "./arms/arm.ts";
import { type FusionName, fusionOf } from "./fusion.ts";
import type { Fusion, Weights } from "./rankings.ts";
import type { RetrievalEvent } from "./retrieval-event.ts";
import type { RetrievedDocument } from "./retrieval-result.ts";
import { functionOrFalse, milliseconds, scoreFloor } from "./rules.ts";
import { checkWeights } from "./weighted-rankings.ts";

/** A document that a reranker scores. */
export type RerankCandidate = Omit<RetrievedDocument, "arms">;

/** Scores candidates for a query: one finite number per candidate, in their order. The larger is the better. */
export type Rerank = (
  query: string,
  candidates: readonly RerankCandidate[],
  options: CallContext,
) => ArrayLike<number> | PromiseLike<ArrayLike<number>>;

/** What scores pairs of texts, such as a `CrossEncoder`: one finite number per pair, the larger the better. */
export interface PairScorer {
  /** The scores of pairs, in their order; larger is better. */
  predict(
    pairs: readonly (readonly [query: string, document: string])[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): PromiseLike<ArrayLike<number>>;
}

/** A reranker that reads the texts of the query and of a document together. */
export interface EncoderRerank {
  readonly encoder: PairScorer;
  /** Documents that the reranker scores. Default: {@link RetrievalSettings.rerankK}. */
  readonly k?: number | undefined;
}

/**
 * Changes the documents found: leaves some out, orders them anew, shortens their texts. The result is in the new order. The
 * name of the function stands in messages and events.
 *
 * @param query the text of the query; empty for a query by vectors only
 */
export type Transform = (
  query: string,
  documents: readonly RetrievedDocument[],
  options: CallContext,
) => readonly RetrievedDocument[] | PromiseLike<readonly RetrievedDocument[]>;

/** A document as an arm found it. */
export interface IdentifiedDocument {
  readonly id: string | undefined;
  readonly text: string;
  readonly metadata: Metadata;
  readonly payload?: unknown;
}

/** Gives the key of a document, undefined where it has none. */
export type Identify = (document: IdentifiedDocument, arm: string) => string | undefined;

/** Options of {@link RetrievalSettings.mmr}. */
export interface MmrOptions {
  /** 1: by score only; 0: by novelty only. Default 0.5. */
  readonly lambda?: number | undefined;
  /** Best documents to choose from. Default 5 k. */
  readonly fetchK?: number | undefined;
  /** The arm whose vectors tell how alike two documents are. Default: the first arm by name that has a store. */
  readonly arm?: string | undefined;
}

/** Settings of a retriever that a call can replace. */
export interface RetrievalSettings {
  /** Documents to find, at least 1. Default 10. */
  readonly k?: number | undefined;
  /**
   * A function, or the name of one. Default `distributionScore`, which measured best; see docs/decisions/fusion.md.
   * `{ native }` lets the store search and fuse in one request. All arms then keep vectors in one store, whose
   * `capabilities.nativeFusions` name the fusion. Hits do not tell what single arms found, so `explain` is not possible, and
   * arms have no `minScore` and no `timeout`.
   */
  readonly fusion?: Fusion | FusionName | NativeFusion | undefined;
  /** What arms count, by name; 0 leaves an arm out. Before the weights of the arms and of the fusion function. */
  readonly weights?: Weights | undefined;
  /**
   * From 0 to 1: what the arm `dense` counts, while the arm `sparse` counts the rest. 1 leaves the sparse arm out, 0 the
   * dense arm. In place of `weights`.
   */
  readonly alpha?: number | undefined;
  /**
   * Gives documents a key by which arms know them, such as the URL in their metadata. Documents of one key, or of one id, are
   * one document in the fusion. A document without key and id is the document of another arm that has its text. Default: no
   * document has a key.
   */
  readonly identify?: Identify | undefined;
  /** Documents of a lower score are left out of the result. Default: no document is left out. */
  readonly minScore?: number | undefined;
  /** Scores the best documents anew: a function, or `{ encoder, k }` with a `CrossEncoder`. Needs the text of the query. */
  readonly rerank?: Rerank | EncoderRerank | false | undefined;
  /** Documents that the reranker scores; documents beyond are dropped. Default 50, or k if that is larger. */
  readonly rerankK?: number | undefined;
  /**
   * Maximal marginal relevance: documents are taken one by one, each time the document of largest
   * `lambda x score - (1 - lambda) x likeness`, with scores scaled from 0 to 1 and likeness the largest cosine with a
   * document already taken. A document without a vector is like no other. Source: Carbonell, Goldstein (SIGIR 1998).
   */
  readonly mmr?: MmrOptions | false | undefined;
  /**
   * The last step: changes the documents found, within the time of the call. Its result is cut to `k` where `k` is set. An
   * error that it throws fails the call.
   */
  readonly transform?: Transform | false | undefined;
  /** Documents that `transform` is given. Default: k. */
  readonly transformK?: number | undefined;
  /**
   * What happens when an arm fails: the call fails with `ARM_FAILED` (`throw`), or only the other arms answer and the
   * `failures` of the result name the arm (`degrade`). A call fails whenever all its arms fail, and so does a call with a
   * wrong filter. Default `throw`.
   */
  readonly onArmError?: "throw" | "degrade" | undefined;
  /**
   * Milliseconds for the whole call, which then fails with `TIMEOUT`. With `onArmError: "degrade"` only the arms that are
   * late fail, if the rest needs no more time. Default: no limit.
   */
  readonly timeout?: number | undefined;
  /** Called for each event, first the listener of the retriever, then of the call. An error that it throws fails the call. */
  readonly onEvent?: ((event: RetrievalEvent) => void) | undefined;
}

const mmrOptions = declareOptions<MmrOptions>()({
  lambda: number({ minimum: 0, maximum: 1 }).default(0.5),
  fetchK: count(),
  // Compared with the arms of the call.
  arm: rule((value) => value as string),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkPairScorer(value: unknown, name: string): PairScorer {
  if (typeof (value as PairScorer | null | undefined)?.predict === "function") return value as PairScorer;
  throw invalidArgument(
    `${name} must be a CrossEncoder, or another object with a method predict(pairs), received ${received(value)}.`,
  );
}

const encoderRerankOptions = declareOptions<EncoderRerank>()({
  encoder: rule(checkPairScorer).required(),
  k: count(),
});

/** The settings of a retriever: names, checks, order. */
export const retrievalSettingOptions = declareOptions<RetrievalSettings>()({
  k: count(),
  fusion: rule((value): Fusion | NativeFusion =>
    isNativeFusion(value) ? value : fusionOf(value as Fusion | FusionName),
  ),
  weights: rule((value) => checkWeights("weights", value)),
  alpha: rule((value) => {
    if (typeof value === "number" && value >= 0 && value <= 1) return value;
    throw invalidArgument(
      `alpha must be a number from 0 (only sparse) to 1 (only dense), received ${received(value)}.`,
    );
  }),
  identify: callback<Identify>(),
  minScore: scoreFloor(),
  rerank: rule((value, name): Rerank | EncoderRerank | false => {
    if (value === false || typeof value === "function") return value as Rerank | false;
    if (typeof value === "object" && value !== null) {
      return encoderRerankOptions.check(name, value, `${name}: `);
    }
    throw invalidArgument(
      `${name} must be a function, { encoder, k } with a CrossEncoder, or false, received ${received(value)}.`,
    );
  }),
  rerankK: count(),
  mmr: rule((value) => (value === false ? value : mmrOptions.check("mmr", value, "mmr: "))),
  transform: functionOrFalse<Transform>(),
  transformK: count(),
  onArmError: rule((value): "throw" | "degrade" => {
    if (value === "throw" || value === "degrade") return value;
    throw invalidArgument(`onArmError must be "throw" or "degrade", received ${received(value)}.`);
  }),
  timeout: milliseconds(),
  onEvent: callback<(event: RetrievalEvent) => void>(),
});

export function isNativeFusion(fusion: unknown): fusion is NativeFusion {
  return typeof fusion === "object" && fusion !== null && "native" in fusion;
}

/**
 * The arm and the numbers of a diversification.
 * @throws SparseEncoderError `INVALID_ARGUMENT` for an arm without a store
 */
export function resolveMmr({ lambda = 0.5, fetchK, arm: name }: MmrOptions, k: number, arms: readonly Arm[]) {
  const stored = arms.flatMap((arm) => (arm.source === undefined ? [] : [arm]));
  const arm = name === undefined ? stored[0] : stored.find((one) => one.name === name);
  if (arm !== undefined) return { lambda, fetchK: fetchK ?? 5 * k, arm };
  const names = stored.map((one) => one.name).join(", ") || "there is none";
  throw invalidArgument(`mmr: arm must be one that has a store (${names}), received ${received(name)}.`);
}

/**
 * The weights that are set by name or through `alpha`.
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` for a weight of an arm that is not there
 */
export function weightsOf(
  call: string,
  arms: readonly Arm[],
  { alpha, weights }: RetrievalSettings,
): Weights | undefined {
  const names = arms.map(({ name }) => name);
  if (alpha === undefined) {
    if (weights !== undefined) checkOptionNames(`${call}: weights`, weights, names);
    return weights;
  }
  if (weights !== undefined) throw invalidArgument(`${call}: give alpha or weights, not both.`);
  if (!names.includes("dense") || !names.includes("sparse")) {
    throw invalidArgument(
      `alpha weighs the arms dense and sparse, but the arms are ${names.join(", ")}; give weights by name.`,
    );
  }
  return { dense: alpha, sparse: 1 - alpha };
}
