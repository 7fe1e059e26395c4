import { throwIfAborted } from "../calls/index.ts";
import type { Progress } from "../encoder/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";

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
  /** Called as texts are embedded; the total is that of the whole evaluation. An error it throws fails the call. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Folder for the result files, made if need be. Default: no files. */
  readonly outputPath?: string | undefined;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED` */
export function checkEvaluateOptions(call: string, options: EvaluateOptions): void {
  checkOptionNames(call, options, ["signal", "onProgress", "outputPath"]);
  const { signal, onProgress, outputPath } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument(`signal must be an AbortSignal, received ${received(signal)}.`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalidArgument(`onProgress must be a function, received ${received(onProgress)}.`);
  }
  if (outputPath !== undefined && (typeof outputPath !== "string" || outputPath === "")) {
    throw invalidArgument(`outputPath must be the path of a folder, received ${received(outputPath)}.`);
  }
  throwIfAborted(signal);
}

/** Options that every evaluator takes. */
export interface EvaluatorOptions {
  /** Put in front of each metric with an underscore, and into file names. Default `""`: nothing. */
  readonly name?: string;
  /** Append a line of results to a CSV file in `outputPath`, if that is given. Default true. */
  readonly writeCsv?: boolean;
}

/** {@link EvaluatorOptions}, checked and complete. @throws SparseEncoderError `INVALID_ARGUMENT` */
export function resolveEvaluatorOptions(options: EvaluatorOptions): Required<EvaluatorOptions> {
  const { name = "" } = options;
  // It becomes part of a file name.
  if (typeof name !== "string" || /[/\\\0]/.test(name)) {
    throw invalidArgument(`name must be a string without slashes, received ${received(name)}.`);
  }
  return { name, writeCsv: flag("writeCsv", options.writeCsv, true) };
}

/** Returns a boolean option. @throws SparseEncoderError `INVALID_ARGUMENT` */
export function flag(name: string, value: unknown, standard: boolean): boolean {
  if (value === undefined) return standard;
  if (typeof value !== "boolean") {
    throw invalidArgument(`${name} must be true or false, received ${received(value)}.`);
  }
  return value;
}

/** An evaluation whose keys start with the name of the evaluator, if it has one. */
export function named(name: string, primaryMetric: string, metrics: Record<string, number>): Evaluation {
  if (name === "") return { primaryMetric, metrics };
  return {
    primaryMetric: `${name}_${primaryMetric}`,
    metrics: Object.fromEntries(Object.entries(metrics).map(([key, value]) => [`${name}_${key}`, value])),
  };
}
