import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import type { Filter, Metadata, NativeFusion, Store } from "../stores/index.ts";
import {
  type Arm,
  type ArmOptions,
  type ArmSettings,
  type CallContext,
  checkArmOverrides,
  checkFilter,
  checkTimeout,
} from "./arm.ts";
import {
  checkWeights,
  distributionScore,
  type Fusion,
  type FusionName,
  fusionOf,
  type Weights,
} from "./fusion.ts";
import type { RetrievalEvent } from "./retrieval-event.ts";

/** A document that was found. */
export interface RetrievedDocument {
  readonly id: string;
  readonly text: string;
  readonly metadata: Metadata;
  /** By which the documents are ordered: that of the reranker if there is one, else that of the fusion. */
  readonly score: number;
  /** Score of the fusion. */
  readonly fusedScore: number;
  /** The arms that found it. */
  readonly arms: Readonly<Record<string, ArmPlace>>;
}

/** Where a document stands in the answer of one arm. */
export interface ArmPlace {
  /** From 1. */
  readonly rank: number;
  readonly score: number;
  /** With `explain`, for an arm of sparse vectors: largest contribution first; together they are the score. */
  readonly terms?: readonly MatchedTerm[];
}

/** A dim that query and document share. */
export interface MatchedTerm {
  readonly index: number;
  /** Its name, if the encoder of the arm can tell. */
  readonly token: string | undefined;
  readonly queryWeight: number;
  readonly documentWeight: number;
  /** Query weight x document weight. */
  readonly contribution: number;
}

/** An arm that failed in a call that went on without it. */
export interface ArmFailure {
  readonly arm: string;
  readonly error: unknown;
}

/** Documents found, best first, and the arms that could not be asked. */
export type RetrievalResult = readonly RetrievedDocument[] & {
  /** Empty unless the result is degraded. Not among the enumerable properties. */
  readonly failures: readonly ArmFailure[];
};

/** A document that a reranker looks at. */
export type RerankCandidate = Omit<RetrievedDocument, "arms">;

/** Scores candidates for a query: one finite number each, in their order; the larger is the better. */
export type Rerank = (
  query: string,
  candidates: readonly RerankCandidate[],
  options: CallContext,
) => ArrayLike<number> | PromiseLike<ArrayLike<number>>;

/** How results are made diverse; see {@link RetrievalSettings.mmr}. */
export interface MmrOptions {
  /** 1: by score alone; 0: by novelty alone. Default 0.5. */
  readonly lambda?: number;
  /** Best documents that are chosen from. Default 5 k. */
  readonly fetchK?: number;
  /** The arm whose vectors tell how alike two documents are. Default: the first by name that has a store. */
  readonly arm?: string;
}

/** Settings of a retriever that a call can replace. */
export interface RetrievalSettings {
  /** Documents to find, at least 1. Default 10. */
  readonly k?: number;
  /**
   * A function, or the name of one. Default {@link distributionScore}, which measured best; see docs/decisions/fusion.md.
   * `{ native }` lets the store search and fuse in one request: all arms then keep vectors in one store, whose
   * `capabilities.nativeFusions` name it; hits do not tell what single arms found, so there is no `explain`, and arms have no
   * `minScore` and no `timeout`.
   */
  readonly fusion?: Fusion | FusionName | NativeFusion;
  /** What arms count, by name; 0 leaves an arm out. Before the weights of the arms and of the fusion function. */
  readonly weights?: Weights;
  /**
   * From 0 to 1: what the arm `dense` counts, while the arm `sparse` counts the rest. 1 leaves the sparse arm out, 0 the
   * dense one. In place of `weights`.
   */
  readonly alpha?: number;
  /** Documents of a lower score than this are left out of the result. Default: none are. */
  readonly minScore?: number;
  /** Scores the best documents anew. */
  readonly rerank?: Rerank | false;
  /** Documents that the reranker looks at; those beyond are dropped. Default 50, or k if that is larger. */
  readonly rerankK?: number;
  /**
   * Maximal marginal relevance: documents are taken one by one, each time that of largest
   * `lambda x score - (1 - lambda) x likeness`, with scores scaled from 0 to 1 and likeness the largest cosine with a
   * document already taken. A document without a vector is like no other. Source: Carbonell, Goldstein (SIGIR 1998).
   */
  readonly mmr?: MmrOptions | false;
  /**
   * What happens when an arm fails: the call fails with `ARM_FAILED`, or the others answer alone and the result's
   * `failures` tell. A call of which all arms fail always fails, and so does one with a wrong filter. Default `throw`.
   */
  readonly onArmError?: "throw" | "degrade";
  /**
   * Milliseconds for the whole call, which then fails with `TIMEOUT`; with `onArmError: "degrade"` only the arms that are
   * late fail, if the rest needs no more time. Default: no limit.
   */
  readonly timeout?: number;
  /** Called as things happen, that of the retriever and then that of a call. An error it throws fails the call. */
  readonly onEvent?: (event: RetrievalEvent) => void;
}

/** Options of a hybrid retriever. */
export interface HybridRetrieverOptions extends RetrievalSettings {
  /** The arms by name. */
  readonly arms: Readonly<Record<string, ArmOptions>>;
}

/** Options of a call of `retrieve` or `retrieveMany`. */
export interface RetrieveOptions extends RetrievalSettings {
  /** Only documents whose metadata pass, in all arms. */
  readonly filter?: Filter;
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal;
  /** Settings of arms for this call, by name. */
  readonly arms?: Readonly<Record<string, ArmSettings>>;
  /** Whether the results tell which terms matched. Default false. */
  readonly explain?: boolean;
  /** Given as it is to the functions that this call uses: `retrieve` of an arm, and `rerank`. */
  readonly context?: unknown;
}

/** A query with options of its own. */
export interface RetrieveRequest {
  readonly query: string;
  readonly options?: RetrieveOptions | undefined;
}

/** A call, checked and complete. */
export interface RetrieveCall {
  readonly k: number;
  readonly fusion: Fusion;
  /** In place of `fusion`. */
  readonly native: { readonly fusion: NativeFusion; readonly store: Store } | undefined;
  readonly minScore: number;
  readonly rerank: Rerank | undefined;
  readonly rerankK: number;
  readonly mmr: { readonly lambda: number; readonly fetchK: number; readonly arm: Arm } | undefined;
  readonly degrade: boolean;
  readonly timeout: number | undefined;
  readonly onEvent: (event: RetrievalEvent) => void;
  readonly filter: Filter | undefined;
  readonly signal: AbortSignal | undefined;
  readonly explain: boolean;
  readonly context: unknown;
  /** Those that are asked. */
  readonly arms: readonly Arm[];
  /** Those that are set, of these arms. */
  readonly weights: Weights;
}

export const settingNames: readonly (keyof RetrievalSettings)[] = [
  "k",
  "fusion",
  "weights",
  "alpha",
  "minScore",
  "rerank",
  "rerankK",
  "mmr",
  "onArmError",
  "timeout",
  "onEvent",
];

const callNames = [...settingNames, "filter", "signal", "arms", "explain", "context"];

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function resolveCall(
  call: string,
  arms: readonly Arm[],
  settings: RetrievalSettings,
  options: RetrieveOptions = {},
): RetrieveCall {
  checkOptionNames(call, options, callNames);
  checkSettings(options);
  checkFilter("filter", options.filter);
  checkSignal(options.signal);
  checkArmOverrides(arms, options.arms);
  const callWeights = weightsOf(call, arms, options);
  const ownWeights = weightsOf(call, arms, settings);
  if (options.explain !== undefined && typeof options.explain !== "boolean") {
    throw invalidArgument(`explain must be true or false, received ${received(options.explain)}.`);
  }
  const { k = 10, rerankK, mmr, ...rest } = { ...settings, ...defined(options) };
  const rerank = rest.rerank === false ? undefined : rest.rerank;
  const set = arms.map((arm): Arm => ({ ...arm, ...defined(ownOf(options.arms, arm.name) ?? {}) }));
  const weights = Object.fromEntries(
    set.flatMap(({ name, weight }) => {
      const own =
        ownOf(options.arms, name)?.weight ?? ownOf(callWeights, name) ?? ownOf(ownWeights, name) ?? weight;
      return own === undefined ? [] : [[name, own]];
    }),
  );
  const asked = set.filter(({ name }) => ownOf(weights, name) !== 0);
  if (asked.length === 0) throw invalidArgument(`${call}: all arms have weight 0; at least one must count.`);
  return {
    k,
    fusion:
      rest.fusion === undefined || isNativeFusion(rest.fusion) ? distributionScore() : fusionOf(rest.fusion),
    native: isNativeFusion(rest.fusion)
      ? resolveNative(call, rest.fusion, asked, options.explain ?? false)
      : undefined,
    minScore: rest.minScore ?? Number.NEGATIVE_INFINITY,
    rerank,
    rerankK: rerankK ?? Math.max(k, 50),
    mmr: mmr === undefined || mmr === false ? undefined : resolveMmr(mmr, k, arms),
    degrade: rest.onArmError === "degrade",
    timeout: rest.timeout,
    onEvent: (event) => {
      settings.onEvent?.(event);
      options.onEvent?.(event);
    },
    filter: options.filter,
    signal: options.signal,
    explain: options.explain ?? false,
    context: options.context,
    arms: asked,
    weights,
  };
}

export function checkSettings(settings: RetrievalSettings): void {
  const { k, fusion, minScore, rerank, rerankK, mmr, onArmError, timeout, onEvent } = settings;
  if (k !== undefined) positiveInteger("k", k);
  if (fusion !== undefined && !isNativeFusion(fusion)) fusionOf(fusion);
  if (minScore !== undefined && (typeof minScore !== "number" || Number.isNaN(minScore))) {
    throw invalidArgument(`minScore must be a number, received ${received(minScore)}.`);
  }
  if (rerankK !== undefined) positiveInteger("rerankK", rerankK);
  checkTimeout("timeout", timeout);
  for (const [name, value] of Object.entries({
    rerank: rerank === false ? undefined : rerank,
    onEvent,
  })) {
    if (value !== undefined && typeof value !== "function") {
      throw invalidArgument(`${name} must be a function, received ${received(value)}.`);
    }
  }
  if (onArmError !== undefined && onArmError !== "throw" && onArmError !== "degrade") {
    throw invalidArgument(`onArmError must be "throw" or "degrade", received ${received(onArmError)}.`);
  }
  if (mmr === undefined || mmr === false) return;
  checkOptionNames("mmr", mmr, ["lambda", "fetchK", "arm"]);
  if (mmr.fetchK !== undefined) positiveInteger("mmr: fetchK", mmr.fetchK);
  const { lambda } = mmr;
  if (lambda !== undefined && !(typeof lambda === "number" && lambda >= 0 && lambda <= 1)) {
    throw invalidArgument(`mmr: lambda must be a number from 0 to 1, received ${received(lambda)}.`);
  }
}

export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument(`signal must be an AbortSignal, received ${received(signal)}.`);
  }
}

export function resolveMmr(
  { lambda = 0.5, fetchK, arm: name }: MmrOptions,
  k: number,
  arms: readonly Arm[],
): { lambda: number; fetchK: number; arm: Arm } {
  const stored = arms.filter(({ source }) => source !== undefined);
  const arm = name === undefined ? stored[0] : stored.find((one) => one.name === name);
  if (arm === undefined) {
    const names = stored.map((one) => one.name).join(", ") || "there is none";
    throw invalidArgument(`mmr: arm must be one that has a store (${names}), received ${received(name)}.`);
  }
  return { lambda, fetchK: fetchK ?? 5 * k, arm };
}

function isNativeFusion(fusion: unknown): fusion is NativeFusion {
  return typeof fusion === "object" && fusion !== null && "native" in fusion;
}

/** The store of all arms that are asked, which fuses. */
function resolveNative(
  call: string,
  fusion: NativeFusion,
  arms: readonly Arm[],
  explain: boolean,
): { fusion: NativeFusion; store: Store } {
  const place = `${call}: the fusion ${received(fusion.native)} of the store`;
  if (explain) throw invalidArgument(`${place} tells nothing of the arms, so there is no explain.`);
  const stores = new Set(arms.map(({ source }) => source?.store));
  const [store] = stores;
  if (stores.size !== 1 || store === undefined) {
    throw invalidArgument(`${place} needs arms that all keep their vectors in one store.`);
  }
  const odd = arms.find(({ minScore, timeout }) => minScore !== undefined || timeout !== undefined);
  if (odd !== undefined) {
    throw invalidArgument(`${place} takes no minScore and no timeout of single arms; ${odd.name} has one.`);
  }
  if (store.searchHybrid === undefined || store.capabilities.nativeFusions?.has(fusion.native) !== true) {
    const able = [...(store.capabilities.nativeFusions ?? [])].join(", ") || "none";
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `${place} is not one that the ${store.name} store can do; it has ${able}. Fusions of this library, such as "rrf", work with every store.`,
    );
  }
  return { fusion, store };
}

/** The weights that are set by themselves or through `alpha`. */
export function weightsOf(
  call: string,
  arms: readonly Arm[],
  { alpha, weights }: RetrievalSettings,
): Weights | undefined {
  const names = arms.map(({ name }) => name);
  if (alpha === undefined) {
    if (weights !== undefined) checkOptionNames(`${call}: weights`, checkWeights(call, weights), names);
    return weights;
  }
  if (weights !== undefined) throw invalidArgument(`${call}: give alpha or weights, not both.`);
  if (typeof alpha !== "number" || !(alpha >= 0 && alpha <= 1)) {
    throw invalidArgument(
      `alpha must be a number from 0 (sparse alone) to 1 (dense alone), received ${received(alpha)}.`,
    );
  }
  if (!names.includes("dense") || !names.includes("sparse")) {
    throw invalidArgument(
      `alpha weighs the arms dense and sparse, but the arms are ${names.join(", ")}; give weights by name.`,
    );
  }
  return { dense: alpha, sparse: 1 - alpha };
}

/** Without what is undefined, which must not hide a setting. */
function defined<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}

function ownOf<Value>(values: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}
