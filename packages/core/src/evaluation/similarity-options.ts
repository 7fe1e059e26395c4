import { invalidArgument, received } from "../errors.ts";
import { type CheckedOptions, declareOptions, rule } from "../options/index.ts";
import type { SimilarityFunction } from "../vector/index.ts";
import { type EncodingOptions, encodingRules } from "./evaluated-encoder.ts";
import { type EvaluatorOptions, evaluatorRules } from "./evaluation.ts";
import { similarityNames } from "./score-function.ts";
import { sameLength, textList } from "./text-collection.ts";

/** What evaluators by similarity of texts have in common. */
export interface SimilarityOptions extends EncodingOptions, EvaluatorOptions {
  /** Similarity functions, each with metrics of its own. Default: the main one, if there is one, else the encoder's. */
  readonly similarityFunctions?: readonly SimilarityFunction[] | undefined;
}

/** {@link SimilarityOptions}, for the declarations of evaluators. */
export function similarityRules(batchSize: number) {
  return declareOptions<SimilarityOptions>()({
    similarityFunctions: similarityNames.default([]),
    ...encodingRules(batchSize),
    ...evaluatorRules,
  }).rules;
}

/** {@link SimilarityOptions}, checked, with their defaults. */
export type SimilaritySettings = CheckedOptions<ReturnType<typeof similarityRules>>;

/** Pairs of texts. */
interface TextPairs {
  readonly sentences1: readonly string[];
  /** The second text of each pair, in the order of the first ones. */
  readonly sentences2: readonly string[];
}

/** The two lists of texts, for the declarations of evaluators. */
export const pairRules = declareOptions<TextPairs>()({
  sentences1: textList.required(),
  sentences2: textList.required(),
}).rules;

/** A list of numbers, one per pair. @param content what the numbers are, for the message */
export function numberList(content: string) {
  return rule((value, name): readonly number[] => {
    if (Array.isArray(value)) return value;
    throw invalidArgument(`${name} must be an array of ${content}, received ${received(value)}.`);
  });
}

/** Checks that there is one number per pair. @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkPairs(
  { sentences1, sentences2 }: TextPairs,
  name: string,
  list: readonly number[],
): void {
  sameLength({ sentences1, sentences2, [name]: list });
}
