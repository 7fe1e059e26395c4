import type { BaseRetrieverInput } from "@langchain/core/retrievers";
import type { HybridRetriever as CoreHybridRetriever, RetrievalSettings } from "@sparse-encoder/core";
import {
  type CheckedOptions,
  count,
  type DocumentFilter,
  declareOptions,
  invalidArgument,
  received,
  retrievalSettingOptions,
  rule,
  unchecked,
} from "@sparse-encoder/core/internal";
import type { DocumentCompressor } from "../compressor.ts";
import type { IdKey } from "./id-key.ts";
import type { RetrievalCallOptions } from "./retrieval-call.ts";
import type { HybridRetrieverArm } from "./retriever-arm.ts";

/** Options of a hybrid retriever, whatever it is made over. The settings are core's. */
export interface HybridRetrieverSettings
  extends BaseRetrieverInput,
    Omit<RetrievalSettings, "identify" | "transform" | "transformK">,
    RetrievalCallOptions {}

/** Options of a hybrid retriever over arms. */
export interface HybridRetrieverArmsInput extends HybridRetrieverSettings {
  /** The arms by name. `alpha` weighs the arms named `dense` and `sparse`. */
  readonly arms: Readonly<Record<string, HybridRetrieverArm>>;
  /** Not beside `arms`. */
  readonly retriever?: never;
  /**
   * The key by which arms know a document: a name in its metadata, or a function of the document. Documents of one key, or of
   * one id, are one document in the fusion. Default: the id. A document without an id is the document of another arm that has
   * its text.
   */
  readonly idKey?: IdKey | undefined;
}

/** Options of a hybrid retriever over a retriever of core. */
export interface HybridRetrieverCoreInput extends HybridRetrieverSettings {
  /** Its settings hold where no others are given here. It stays the caller's. */
  readonly retriever: CoreHybridRetriever;
  /** Not beside `retriever`, which has its own. */
  readonly arms?: never;
  /** Not beside `retriever`, which has its own. */
  readonly idKey?: never;
}

/** Options of a hybrid retriever. */
export type HybridRetrieverInput = HybridRetrieverArmsInput | HybridRetrieverCoreInput;

/** All options of both forms. */
interface AnyInput extends HybridRetrieverSettings {
  readonly arms?: Readonly<Record<string, HybridRetrieverArm>> | undefined;
  readonly retriever?: CoreHybridRetriever | undefined;
  readonly idKey?: IdKey | undefined;
}

const { identify: _i, transform: _t, transformK: _k, ...settingRules } = retrievalSettingOptions.rules;

const retrieverOptions = declareOptions<AnyInput>()({
  ...settingRules,
  arms: rule((value): Readonly<Record<string, HybridRetrieverArm>> => {
    if (typeof value === "object" && value !== null) return value as Record<string, HybridRetrieverArm>;
    throw invalidArgument(`HybridRetriever: arms must map names to arms, received ${received(value)}.`);
  }),
  retriever: rule((value): CoreHybridRetriever => {
    const candidate = value as CoreHybridRetriever | null;
    if (typeof candidate?.retrieveEach === "function") return candidate;
    throw invalidArgument(
      `HybridRetriever: retriever must be a HybridRetriever of @sparse-encoder/core, received ${received(value)}; a LangChain retriever can be an arm: { arms: { name: { retriever } } }.`,
    );
  }),
  idKey: rule((value, name): IdKey => {
    if (typeof value === "function" || (typeof value === "string" && value !== "")) return value as IdKey;
    throw invalidArgument(
      `${name} must be a name in the metadata or a function, received ${received(value)}.`,
    );
  }),
  // Its outer form is checked with the filter of a call.
  filter: unchecked<DocumentFilter>(),
  scoreKey: rule((value, name): string => {
    if (typeof value === "string" && value !== "") return value;
    throw invalidArgument(`${name} must be a name, received ${received(value)}.`);
  }),
  compressor: rule((value, name): DocumentCompressor => {
    const candidate = value as DocumentCompressor | null;
    if (typeof candidate?.compressDocuments === "function") return candidate;
    throw invalidArgument(`${name} must have compressDocuments, received ${received(value)}.`);
  }),
  fetchK: count(),
  // The options of the base class, which checks them.
  callbacks: unchecked<NonNullable<AnyInput["callbacks"]>>(),
  tags: unchecked<string[]>(),
  metadata: unchecked<Record<string, unknown>>(),
  verbose: unchecked<boolean>(),
});

/** Options of a hybrid retriever, checked. */
export type CheckedInput = CheckedOptions<(typeof retrieverOptions)["rules"]>;

/** The options that are settings of core. */
export function coreSettings(input: CheckedInput): RetrievalSettings {
  return Object.fromEntries(Object.entries(input).filter(([name]) => name in settingRules));
}

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkInput(input: unknown): CheckedInput {
  const checked = retrieverOptions.check("HybridRetriever", input);
  const { arms, retriever, compressor, fetchK } = checked;
  if ((arms === undefined) === (retriever === undefined)) {
    throw invalidArgument("HybridRetriever: give arms, or a retriever of @sparse-encoder/core.");
  }
  if (fetchK !== undefined && compressor === undefined) {
    throw invalidArgument("fetchK says how many documents the compressor is given; give a compressor too.");
  }
  return checked;
}
