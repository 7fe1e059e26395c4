import { throwIfAborted } from "../calls/index.ts";
import type { Progress } from "../encoder/index.ts";
import { invalidArgument, received } from "../errors.ts";
import {
  abortSignal,
  type CheckedOptions,
  callback,
  declareOptions,
  flag,
  rule,
  text,
} from "../options/index.ts";

/** What an evaluator gives. */
export interface Evaluation {
  /** Key in `metrics` of the figure to look at first. */
  readonly primaryMetric: string;
  /** Figures by the reference's names. */
  readonly metrics: Record<string, number>;
}

/** Options of the `evaluate` methods. */
export interface EvaluateOptions {
  /** Stops the evaluation with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
  /** Called as texts are embedded; the total is for the whole evaluation. An error that the function throws fails the call. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Folder for the result files, made if need be. Default: no files. */
  readonly outputPath?: string | undefined;
}

const evaluateOptions = declareOptions<EvaluateOptions>()({
  signal: abortSignal(),
  onProgress: callback<(progress: Progress) => void>(),
  outputPath: text(),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED` */
export function checkEvaluateOptions(call: string, options: EvaluateOptions | undefined): EvaluateOptions {
  const checked = evaluateOptions.check(call, options);
  throwIfAborted(checked.signal);
  return checked;
}

/** Options that every evaluator takes. */
export interface EvaluatorOptions {
  /** Put in front of each metric with an underscore, and into file names. Default `""`: nothing. */
  readonly name?: string | undefined;
  /** Append a line of results to a CSV file in `outputPath`, if that is given. Default true. */
  readonly writeCsv?: boolean | undefined;
}

/** A string that becomes part of a file name. */
export const fileNamePart = rule((value, name) => {
  if (typeof value === "string" && !/[/\\\0]/.test(value)) return value;
  throw invalidArgument(`${name} must be a string without slashes, received ${received(value)}.`);
});

/** {@link EvaluatorOptions}, for the declarations of evaluators. */
export const evaluatorRules = declareOptions<EvaluatorOptions>()({
  name: fileNamePart.default(""),
  writeCsv: flag().default(true),
}).rules;

/** {@link EvaluatorOptions}, checked, with their defaults. */
export type EvaluatorSettings = CheckedOptions<typeof evaluatorRules>;

/** An evaluation whose keys start with the name of the evaluator, if it has one. */
export function named(name: string, primaryMetric: string, metrics: Record<string, number>): Evaluation {
  if (name === "") return { primaryMetric, metrics };
  return {
    primaryMetric: `${name}_${primaryMetric}`,
    metrics: Object.fromEntries(Object.entries(metrics).map(([key, value]) => [`${name}_${key}`, value])),
  };
}
