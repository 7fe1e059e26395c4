import type { FusionName } from "@sparse-encoder/core";
import {
  evaluateRun,
  type RunEvaluation,
  readBeirFolder,
  readQrels,
  readTrecRun,
  writeTrecRun,
} from "@sparse-encoder/core/evaluation";
import type { ArmName } from "../collection/arms.ts";
import type { CollectionOptions } from "../collection/collection.ts";
import { usageError } from "../command-error.ts";
import { Interruption } from "../interruption.ts";
import { openDenseEncoder, openSparseEncoder } from "../models/open-encoder.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { note, writeJson, writeLine } from "../terminal/standard-output.ts";
import { table } from "../terminal/table.ts";
import { writeWholeFile } from "../terminal/whole-file.ts";
import { Experiment, type Trial, type TrialResult } from "./experiment.ts";
import { type RandomisationResult, randomisationTest } from "./randomisation-test.ts";
import { svgPlot } from "./svg-plot.ts";

/** Options of the command. */
export interface EvaluateOptions extends CollectionOptions {
  readonly split: string;
  readonly arms: readonly ArmName[];
  readonly dims?: readonly (number | undefined)[] | undefined;
  readonly fusion: readonly FusionName[];
  readonly weights?: readonly Readonly<Record<string, number>>[] | undefined;
  readonly plot?: string | undefined;
  readonly output?: string | undefined;
  readonly qrels?: string | undefined;
  readonly run?: string | undefined;
  readonly baseline?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The metric that runs are compared by. */
const comparedMetric = "ndcg@10";

/** Metrics of the table. */
const shownMetrics = ["ndcg@10", "mrr@10", "map@100", "recall@100"];

/** Measures searches of a BEIR folder, or a run that is there already. */
export async function evaluate(folder: string | undefined, options: EvaluateOptions): Promise<void> {
  if (folder === undefined) return evaluateFile(options);
  if (options.run !== undefined || options.qrels !== undefined) {
    throw usageError("--run and --qrels stand in place of a folder; leave the folder or them out.");
  }
  const arms: readonly ArmName[] =
    options.dense === undefined || options.arms.includes("dense") ? options.arms : [...options.arms, "dense"];
  if (arms.includes("dense") && options.dense === undefined)
    throw usageError("The arm dense needs --dense <model>.");
  using interruption = new Interruption();
  const { signal } = interruption;
  const data = await readBeirFolder(folder, { split: options.split });
  const results = await runTrials(data, arms, options, signal);
  const best = results.reduce((top, result) => (quality(result) > quality(top) ? result : top));
  if (options.output !== undefined) await writeTrecRun(options.output, best.run);
  if (options.plot !== undefined) await writeWholeFile(options.plot, plotOf(results));
  const comparison =
    options.baseline === undefined
      ? undefined
      : compare(await perQueryOf(options.baseline, data.judgements), best.perQuery);
  if (options.json) {
    const trials = results.map(({ run: _run, perQuery: _perQuery, ...rest }) => rest);
    await writeJson({ collection: folder, arms, trials, comparison });
    return;
  }
  await writeLine(trialTable(results));
  if (results.length > 1) await writeLine(`Best: ${nameOf(best)}`);
  if (comparison !== undefined) await writeLine(comparisonText(comparison));
}

async function evaluateFile({ run, qrels, baseline, json }: EvaluateOptions): Promise<void> {
  if (run === undefined || qrels === undefined) {
    throw usageError(
      "Name the folder of a BEIR collection, or a run and its judgements with --run and --qrels.",
    );
  }
  const judgements = await readQrels(qrels);
  const { metrics, perQuery } = evaluateRun(await readTrecRun(run), judgements);
  const comparison =
    baseline === undefined ? undefined : compare(await perQueryOf(baseline, judgements), perQuery);
  if (json) return writeJson({ metrics, comparison });
  const rows = Object.entries(metrics).map(([name, value]) => [name, value.toFixed(4)]);
  await writeLine(table([{ heading: "metric" }, { heading: "mean", isNumeric: true }], rows));
  if (comparison !== undefined) await writeLine(comparisonText(comparison));
}

async function runTrials(
  data: Parameters<typeof Experiment.encode>[0],
  arms: readonly ArmName[],
  options: EvaluateOptions,
  signal: AbortSignal,
): Promise<TrialResult[]> {
  using line = new ProgressLine();
  await using sparse = arms.includes("sparse") ? await openSparseEncoder(options, signal) : undefined;
  await using dense = arms.includes("dense")
    ? await openDenseEncoder(options.dense!, { ...options, revision: undefined }, signal)
    : undefined;
  const experiment = await Experiment.encode(
    data,
    arms,
    { sparse, dense },
    {
      signal,
      onTexts: (arm, done) => line.count(`Encoding, ${arm}`, done, data.documents.length, "documents"),
    },
  );
  const { dims = [undefined], fusion, weights = [undefined] } = options;
  const trials = dims.flatMap((maxActiveDims) =>
    fusion.flatMap((name) => weights.map((set): Trial => ({ maxActiveDims, fusion: name, weights: set }))),
  );
  const results: TrialResult[] = [];
  for (const trial of trials) {
    line.show(`Searching ${results.length + 1} of ${trials.length}: ${nameOf(trial)}`);
    results.push(await experiment.run(trial, signal));
  }
  return results;
}

function trialTable(results: readonly TrialResult[]): string {
  const numeric = [...shownMetrics, "dims", "MB", "queries/s"].map((heading) => ({
    heading,
    isNumeric: true,
  }));
  return table(
    [{ heading: "settings" }, ...numeric],
    results.map((result) => [
      nameOf(result),
      ...shownMetrics.map((name) => (result.metrics[name] ?? 0).toFixed(4)),
      result.activeDims.toFixed(1),
      (result.sparseBytes / 1e6).toFixed(2),
      result.queriesPerSecond.toFixed(0),
    ]),
  );
}

function nameOf({ maxActiveDims, fusion, weights }: Trial): string {
  const parts = [maxActiveDims === undefined ? "all dims" : `${maxActiveDims} dims`, fusion];
  if (weights !== undefined)
    parts.push(
      Object.entries(weights)
        .map(([arm, weight]) => `${arm}=${weight}`)
        .join(","),
    );
  return parts.join(", ");
}

function quality({ metrics }: TrialResult): number {
  return metrics[comparedMetric] ?? 0;
}

function plotOf(results: readonly TrialResult[]): string {
  const points = results.map((result) => ({
    x: result.activeDims,
    y: quality(result),
    size: result.queriesPerSecond,
    series: nameOf({ ...result, maxActiveDims: undefined }).replace("all dims, ", ""),
    label: `${nameOf(result)}: nDCG@10 ${quality(result).toFixed(4)}, ${(result.sparseBytes / 1e6).toFixed(2)} MB, ${result.queriesPerSecond.toFixed(0)} queries per second`,
  }));
  return svgPlot(points, {
    title: "Quality, size and speed",
    x: "active dims of a document",
    y: "nDCG@10",
    size: "queries per second",
  });
}

type PerQuery = RunEvaluation["perQuery"];

async function perQueryOf(file: string, judgements: Parameters<typeof evaluateRun>[1]): Promise<PerQuery> {
  return evaluateRun(await readTrecRun(file), judgements).perQuery;
}

/** Compares query by query; both rows have the same queries, the judged ones. */
function compare(before: PerQuery, after: PerQuery): RandomisationResult {
  const ids = [...before.keys()];
  const valuesOf = (values: PerQuery) => ids.map((id) => values.get(id)?.[comparedMetric] ?? 0);
  if (ids.length === 0) note("No query is judged.");
  return randomisationTest(valuesOf(before), valuesOf(after));
}

function comparisonText({ difference, pValue, pairs, isExact }: RandomisationResult): string {
  const sign = difference >= 0 ? "+" : "";
  return `Beside the baseline: ${comparedMetric} ${sign}${difference.toFixed(4)} over ${pairs} queries, p = ${pValue.toPrecision(3)} (paired randomisation test, ${isExact ? "exact" : "sampled"})`;
}
