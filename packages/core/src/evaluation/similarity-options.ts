import { invalidArgument, received } from "../errors.ts";
import { checkSimilarityFunction, type SimilarityFunction } from "../vector/index.ts";
import { type EncodingOptions, type EncodingSettings, resolveEncoding } from "./evaluated-encoder.ts";
import { type EvaluatorOptions, resolveEvaluatorOptions } from "./evaluation.ts";
import { checkSimilarityFunctions } from "./score-function.ts";
import { sameLength, toTextList } from "./text-collection.ts";

/** What evaluators by similarity of texts have in common. */
interface SimilarityOptions extends EncodingOptions, EvaluatorOptions {
  readonly similarityFunctions?: readonly SimilarityFunction[];
  readonly mainSimilarityFunction?: SimilarityFunction;
}

/** {@link SimilarityOptions}, checked and complete. */
export interface SimilaritySettings extends Required<EvaluatorOptions> {
  /** Empty: the choice is the encoder's. */
  readonly functions: readonly SimilarityFunction[];
  readonly main: SimilarityFunction | undefined;
  readonly encoding: EncodingSettings;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function resolveSimilarityOptions(options: SimilarityOptions, batchSize: number): SimilaritySettings {
  checkSimilarityFunctions(options.similarityFunctions);
  const { similarityFunctions: functions = [], mainSimilarityFunction: main } = options;
  if (main !== undefined) checkSimilarityFunction(main);
  return {
    functions,
    main,
    encoding: resolveEncoding(options, batchSize),
    ...resolveEvaluatorOptions(options),
  };
}

/** Pairs of texts, each with a number. */
export interface LabelledPairs {
  readonly sentences1: readonly string[];
  readonly sentences2: readonly string[];
  readonly labels: readonly number[];
}

/**
 * Checks pairs of texts and that there is one label a pair.
 * @param name of the option with the labels
 * @param wanted what labels are, for the message
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`
 */
export function toLabelledPairs(
  options: Omit<LabelledPairs, "labels">,
  name: string,
  labels: readonly number[],
  wanted: string,
): LabelledPairs {
  const sentences1 = toTextList("sentences1", options.sentences1);
  const sentences2 = toTextList("sentences2", options.sentences2);
  if (!Array.isArray(labels)) {
    throw invalidArgument(`${name} must be an array of ${wanted}, received ${received(labels)}.`);
  }
  sameLength({ sentences1, sentences2, [name]: labels });
  return { sentences1, sentences2, labels };
}
