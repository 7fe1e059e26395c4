import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { abortSignal, declareOptions, defined, flag, rule, unchecked } from "../options/index.ts";
import type { Filter, NativeFusion, Store } from "../stores/index.ts";
import type { Arm, CallArm, StoreArm } from "./arms/arm.ts";
import { resolveCallArms } from "./arms/arm-options.ts";
import { distributionScore } from "./fusion.ts";
import type { Fusion, Weights } from "./rankings.ts";
import type { RetrievalEvent } from "./retrieval-event.ts";
import type { RetrievalQuery } from "./retrieval-query.ts";
import {
  type Identify,
  isNativeFusion,
  type Rerank,
  type RetrievalSettings,
  resolveMmr,
  retrievalSettingOptions,
  type Transform,
  weightsOf,
} from "./retrieval-settings.ts";
import { filterObject } from "./rules.ts";
import { rerankBy } from "./steps/rerank-by.ts";

/** How messages speak of a call, for programs that wrap a retriever. */
export interface RetrieveWording {
  /** The function as the user called it. */
  readonly call: string;
  /** What to do if an arm fails; an empty text for nothing. Default: the option `onArmError`. */
  readonly armAdvice?: string | undefined;
}

/** Options of a call of `retrieve` or `retrieveMany`. */
export interface RetrieveOptions extends RetrievalSettings {
  /** Only documents whose metadata pass, in all arms. */
  readonly filter?: Filter | undefined;
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
  /** Arms in this call, by name: settings or encoders of arms that the retriever has, and arms that only this call has. */
  readonly arms?: Readonly<Record<string, CallArm>> | undefined;
  /** Whether the results tell which terms matched. Default false. */
  readonly explain?: boolean | undefined;
  /** Given as it is to the functions of this call: `retrieve` of an arm, `rerank`, `transform`. */
  readonly context?: unknown;
  /** How messages speak of the call, for programs that wrap a retriever. */
  readonly wording?: RetrieveWording | undefined;
}

/** A query with options of its own. */
export interface RetrieveRequest {
  /** The query of this request. */
  readonly query: string | RetrievalQuery;
  /** Options of this request, as for `retrieve`. */
  readonly options?: RetrieveOptions | undefined;
}

/** A call, checked and complete. */
export interface RetrieveCall {
  /** The function as the user called it. */
  readonly name: string;
  readonly armAdvice: string;
  readonly k: number;
  /** Most documents of a transformed result: k where it is set. */
  readonly limit: number;
  readonly fusion: Fusion;
  /** In place of `fusion`. */
  readonly native: { readonly fusion: NativeFusion; readonly store: Store } | undefined;
  readonly identify: Identify | undefined;
  readonly minScore: number;
  readonly rerank: Rerank | undefined;
  readonly rerankK: number;
  readonly mmr: { readonly lambda: number; readonly fetchK: number; readonly arm: StoreArm } | undefined;
  readonly transform: Transform | undefined;
  readonly transformK: number;
  readonly degrade: boolean;
  readonly timeout: number | undefined;
  readonly onEvent: (event: RetrievalEvent) => void;
  readonly filter: Filter | undefined;
  readonly signal: AbortSignal | undefined;
  readonly explain: boolean;
  readonly context: unknown;
  /** All arms of the call. */
  readonly arms: readonly Arm[];
  /** Arms to ask (weight > 0). */
  readonly asked: readonly Arm[];
  /** Weights that are set, by name of the arm. */
  readonly weights: Weights;
}

const defaultArmAdvice = ' With onArmError: "degrade" only the other arms answer.';

const wordingOptions = declareOptions<RetrieveWording>()({
  call: unchecked<string>().required(),
  armAdvice: unchecked<string>(),
});

const retrieveOptions = declareOptions<RetrieveOptions>()({
  ...retrievalSettingOptions.rules,
  filter: filterObject(),
  signal: abortSignal(),
  arms: rule((value, name): Readonly<Record<string, CallArm>> => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
    throw invalidArgument(`${name} must map names of arms to settings, received ${received(value)}.`);
  }),
  explain: flag(),
  context: unchecked<unknown>(),
  wording: rule((value) => wordingOptions.check("wording", value)),
});

/**
 * @param name the function as the user called it
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
 */
export function resolveCall(
  name: string,
  retrieverArms: readonly Arm[],
  settings: RetrievalSettings,
  options: RetrieveOptions | undefined,
): RetrieveCall {
  const checked = retrieveOptions.check(name, options);
  const { arms: callArms, wording, filter, signal, explain = false, context, onEvent, ...rest } = checked;
  const arms = resolveCallArms(retrieverArms, callArms);
  const weights = armWeights(name, arms, settings, checked);
  const asked = arms.filter((arm) => ownOf(weights, arm.name) !== 0);
  if (asked.length === 0) throw invalidArgument(`${name}: all arms have weight 0; at least one must count.`);
  const set: RetrievalSettings = { ...settings, ...defined(rest) };
  const { k = 10, fusion, rerank } = set;
  const byEncoder = typeof rerank === "object" ? rerank : undefined;
  const native = isNativeFusion(fusion) ? resolveNative(name, fusion, asked, explain) : undefined;
  return {
    name: wording?.call ?? name,
    armAdvice: wording?.armAdvice ?? defaultArmAdvice,
    k,
    limit: set.k ?? Number.POSITIVE_INFINITY,
    // A setting was checked, which turns names into functions.
    fusion: typeof fusion === "function" ? fusion : distributionScore(),
    native,
    identify: set.identify,
    minScore: set.minScore ?? Number.NEGATIVE_INFINITY,
    rerank: typeof rerank === "object" ? rerankBy(rerank.encoder) : rerank || undefined,
    // The number of the call overrides the number of the reranker.
    rerankK: rest.rerankK ?? byEncoder?.k ?? set.rerankK ?? Math.max(k, 50),
    mmr: set.mmr ? resolveMmr(set.mmr, k, arms) : undefined,
    transform: set.transform || undefined,
    transformK: set.transformK ?? k,
    degrade: set.onArmError === "degrade",
    timeout: set.timeout,
    onEvent: (event) => {
      settings.onEvent?.(event);
      onEvent?.(event);
    },
    filter,
    signal,
    explain,
    context,
    arms,
    asked,
    weights,
  };
}

/** What each arm counts: by the call, else by the retriever, else by the arm itself. */
function armWeights(
  name: string,
  arms: readonly Arm[],
  settings: RetrievalSettings,
  options: RetrieveOptions,
): Weights {
  const callWeights = weightsOf(name, arms, options);
  const ownWeights = weightsOf(name, arms, settings);
  const entries = arms.map((arm) => [
    arm.name,
    ownOf(options.arms, arm.name)?.weight ??
      ownOf(callWeights, arm.name) ??
      ownOf(ownWeights, arm.name) ??
      arm.weight,
  ]);
  return defined(Object.fromEntries(entries) as Record<string, number>) as Weights;
}

/** The store of all arms that are asked, which fuses. */
function resolveNative(
  name: string,
  fusion: NativeFusion,
  arms: readonly Arm[],
  explain: boolean,
): { fusion: NativeFusion; store: Store } {
  const place = `${name}: the fusion ${received(fusion.native)} of the store`;
  if (explain) {
    throw invalidArgument(`${place} does not tell what single arms found; leave out explain.`);
  }
  const stores = new Set(arms.map(({ source }) => source?.store));
  const [store] = stores;
  if (stores.size !== 1 || store === undefined) {
    throw invalidArgument(`${place} needs arms that all keep their vectors in one store.`);
  }
  const limited = arms.find(({ minScore, timeout }) => minScore !== undefined || timeout !== undefined);
  if (limited !== undefined) {
    throw invalidArgument(
      `${place} takes no minScore and no timeout of single arms; the arm ${limited.name} has one.`,
    );
  }
  if (store.searchHybrid === undefined || store.capabilities.nativeFusions?.has(fusion.native) !== true) {
    const fusions = [...(store.capabilities.nativeFusions ?? [])].join(", ") || "none";
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `${place} is not one that the ${store.name} store can do; it has ${fusions}. Fusions of this library, such as "rrf", work with every store.`,
    );
  }
  return { fusion, store };
}

function ownOf<Value>(values: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}
