import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import type { Filter, Metadata, Store } from "../stores/index.ts";
import { checkWeight } from "./fusion.ts";
import {
  type ArmCallOptions,
  type ArmEncoder,
  type Embedder,
  type Embeddings,
  type EmbedFunction,
  embedderOf,
} from "./text-embedder.ts";

/** What can be set for an arm, once and for all or for one call. */
export interface ArmSettings {
  /** Hits that the arm gives to the fusion. Default: 100, or the call's k if that is larger. */
  readonly k?: number;
  /** What the arm counts in the fusion. Default 1, or what the fusion function says. An arm of weight 0 is not asked. */
  readonly weight?: number;
  /** Hits of a lower score are dropped before the fusion. Default: none are. */
  readonly minScore?: number;
  /** Only documents whose metadata pass, beside the filter of the call. */
  readonly filter?: Filter;
  /** Milliseconds after which the arm has failed. Default: no limit but the call's. */
  readonly timeout?: number;
}

/** An arm that searches vectors in a store. */
export interface VectorArm extends ArmSettings {
  readonly store: Store;
  /** Name of the vectors in the store. Default: the name of the arm. */
  readonly vector?: string;
}

/** An arm with an encoder of this library, or one of the same form. */
export interface EncoderArm extends VectorArm {
  readonly encoder: ArmEncoder;
}

/** An arm with dense vectors from elsewhere: a framework's embeddings, an API. */
export interface EmbedArm extends VectorArm {
  readonly embed: EmbedFunction | Embeddings;
}

/** An arm that is any search: its hits only have to come best first. */
export interface FunctionArm extends ArmSettings {
  readonly retrieve: RetrieveFunction;
}

/** One arm of a hybrid retriever. */
export type ArmOptions = EncoderArm | EmbedArm | FunctionArm;

/** A hit of a {@link RetrieveFunction}. Without a text it is looked up in the stores of the other arms. */
export interface FoundDocument {
  readonly id: string;
  /** Where none is known, by all hits of a query or by none: 1 / rank is taken, ranks from 1. */
  readonly score?: number | undefined;
  readonly text?: string | undefined;
  readonly metadata?: Metadata | undefined;
}

/** What a function that a call uses is told beside its arguments. */
export interface CallContext extends ArmCallOptions {
  /** What the call was given under this name. */
  readonly context?: unknown;
}

/** Finds, for each query, at most k documents, best first. */
export type RetrieveFunction = (
  queries: string[],
  options: CallContext & { readonly k: number; readonly filter: Filter | undefined },
) => PromiseLike<readonly (readonly FoundDocument[])[]>;

/** The vectors of an arm: where they come from and where they are kept. */
export interface VectorSource {
  readonly embedder: Embedder;
  readonly store: Store;
  readonly vector: string;
}

/** An arm, checked. */
export interface Arm extends ArmSettings {
  readonly name: string;
  /** Either these … */
  readonly source: VectorSource | undefined;
  /** … or this. */
  readonly retrieve: RetrieveFunction | undefined;
}

const settingNames = ["k", "weight", "minScore", "filter", "timeout"];

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function resolveArms(arms: unknown): Arm[] {
  if (typeof arms !== "object" || arms === null || Array.isArray(arms) || Object.keys(arms).length === 0) {
    throw invalidArgument(
      `HybridRetriever: arms must map at least one name to { encoder, store }, received ${received(arms)}.`,
    );
  }
  const resolved = Object.entries(arms).map(([name, options]) => resolveArm(name, options));
  checkVectorNames(resolved);
  // By name, so that nothing depends on the order in which arms are written.
  return resolved.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Checks what can also be set for one call. */
export function checkArmSettings(name: string, settings: ArmSettings): void {
  const { k, weight, minScore, filter, timeout } = settings;
  if (k !== undefined) positiveInteger(`k of the arm ${name}`, k);
  if (weight !== undefined) checkWeight(`The weight of the arm ${name}`, weight);
  if (minScore !== undefined && (typeof minScore !== "number" || Number.isNaN(minScore))) {
    throw invalidArgument(`minScore of the arm ${name} must be a number, received ${received(minScore)}.`);
  }
  checkFilter(`filter of the arm ${name}`, filter);
  checkTimeout(`timeout of the arm ${name}`, timeout);
}

/** Checks settings of arms for one call, by name. */
export function checkArmOverrides(arms: readonly Arm[], overrides: unknown): void {
  if (overrides === undefined) return;
  checkOptionNames(
    "arms",
    overrides,
    arms.map(({ name }) => name),
  );
  for (const [name, settings] of Object.entries(overrides as Record<string, ArmSettings>)) {
    checkOptionNames(`The arm ${name}`, settings, settingNames);
    checkArmSettings(name, settings);
  }
}

/** A filter is looked into by the stores. */
export function checkFilter(name: string, filter: unknown): void {
  if (filter === undefined) return;
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) {
    throw invalidArgument(
      `${name} must be an object such as { year: { $gte: 2020 } }, received ${received(filter)}.`,
    );
  }
}

/** Timers of Node count to 2^31 - 1; a longer time would be over at once. */
export function checkTimeout(name: string, timeout: unknown): void {
  if (timeout !== undefined) positiveInteger(name, timeout, 2 ** 31 - 1);
}

function resolveArm(name: string, options: ArmOptions): Arm {
  if (name === "" || name === "__proto__" || !name.isWellFormed()) {
    throw invalidArgument(`HybridRetriever: the name of an arm must be a text, received ${received(name)}.`);
  }
  if (typeof options !== "object" || options === null) {
    throw invalidArgument(`The arm ${name} must be an object, received ${received(options)}.`);
  }
  checkOptionNames(`The arm ${name}`, options, [
    "encoder",
    "embed",
    "retrieve",
    "store",
    "vector",
    ...settingNames,
  ]);
  checkArmSettings(name, options);
  const given = ["encoder", "embed", "retrieve"].filter((part) => part in options);
  if (given.length !== 1) {
    throw invalidArgument(
      `The arm ${name} needs one of encoder, embed and retrieve, received ${given.length === 0 ? "none" : given.join(" and ")}.`,
    );
  }
  const { k, weight, minScore, filter, timeout } = options;
  const settings = Object.fromEntries(
    Object.entries({ k, weight, minScore, filter, timeout }).filter(([, value]) => value !== undefined),
  ) as ArmSettings;
  if ("retrieve" in options) {
    if (typeof options.retrieve !== "function") {
      throw invalidArgument(
        `retrieve of the arm ${name} must be a function, received ${received(options.retrieve)}.`,
      );
    }
    const further = ["store", "vector"].find((part) => part in options);
    if (further !== undefined) {
      throw invalidArgument(
        `The arm ${name} has a retrieve function, beside which ${further} has no meaning.`,
      );
    }
    return { ...settings, name, source: undefined, retrieve: options.retrieve };
  }
  const embedder = embedderOf(name, options);
  const { store, vector = name } = options;
  const methods = ["upsert", "delete", "get", "searchSparse", "searchDense"] as const;
  if (
    typeof store !== "object" ||
    store === null ||
    methods.some((method) => typeof store[method] !== "function")
  ) {
    throw invalidArgument(
      `The arm ${name} needs a store, such as new MemoryStore(), received ${received(store)}.`,
    );
  }
  if (typeof vector !== "string" || vector === "") {
    throw invalidArgument(`vector of the arm ${name} must be a name, received ${received(vector)}.`);
  }
  return { ...settings, name, source: { embedder, store, vector }, retrieve: undefined };
}

/** A name of vectors in a store stands for one encoder. */
function checkVectorNames(arms: readonly Arm[]): void {
  for (const { name, source } of arms) {
    const other = arms.find(
      (arm) =>
        arm.source !== undefined &&
        source !== undefined &&
        arm.source.store === source.store &&
        arm.source.vector === source.vector &&
        arm.source.embedder.identity !== source.embedder.identity,
    );
    if (other !== undefined) {
      throw invalidArgument(
        `The arms ${name} and ${other.name} keep vectors of different encoders under the name ${received(source!.vector)} in one store; give them different names by the option vector.`,
      );
    }
  }
}
