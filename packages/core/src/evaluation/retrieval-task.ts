import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import {
  type EncodingOptions,
  EncodingRun,
  type EncodingSettings,
  type EvaluatedEncoder,
  type Prompt,
  resolveEncoding,
} from "./evaluated-encoder.ts";
import type { EvaluateOptions } from "./evaluation.ts";
import {
  deepestCut,
  type MetricCutOptions,
  type MetricCuts,
  meanMetrics,
  metricCutNames,
  rankingMetrics,
  resolveMetricCuts,
} from "./metrics/ranking-metrics.ts";
import type { RankedDocument } from "./metrics/run.ts";
import { mergeHits } from "./ranked-hits.ts";
import { type ScoreFunction, type Scorer, toScorer } from "./score-function.ts";
import { SparsityTally, sparsityMetrics } from "./sparsity-tally.ts";

/** How retrieval is evaluated, whatever the collection. */
export interface RetrievalOptions extends MetricCutOptions, EncodingOptions {
  /** Documents encoded and held at once. Default 50,000. */
  readonly corpusChunkSize?: number;
  /** Score functions by name; each gives metrics of its own. Default: the encoder's `similarity` under its name. */
  readonly scoreFunctions?: Readonly<Record<string, ScoreFunction>>;
  /** The score function of the primary metric. Default: the one with the best nDCG. */
  readonly mainScoreFunction?: string;
}

/** {@link RetrievalOptions}, checked and complete. */
export interface RetrievalSettings {
  readonly cuts: MetricCuts;
  readonly encoding: EncodingSettings;
  readonly corpusChunkSize: number;
  /** Undefined for the encoder's own. */
  readonly scorers: ReadonlyMap<string, Scorer> | undefined;
  readonly mainScoreFunction: string | undefined;
}

/** Names of {@link RetrievalOptions}. */
export const retrievalOptionNames: readonly (keyof RetrievalOptions)[] = [
  ...metricCutNames,
  "batchSize",
  "maxActiveDims",
  "corpusChunkSize",
  "scoreFunctions",
  "mainScoreFunction",
];

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function resolveRetrieval(options: RetrievalOptions): RetrievalSettings {
  const { scoreFunctions, mainScoreFunction, corpusChunkSize = 50_000 } = options;
  let scorers: Map<string, Scorer> | undefined;
  if (scoreFunctions !== undefined) {
    if (typeof scoreFunctions !== "object" || scoreFunctions === null || Array.isArray(scoreFunctions)) {
      throw invalidArgument(
        `scoreFunctions must be an object by name, received ${received(scoreFunctions)}.`,
      );
    }
    scorers = new Map();
    // By name, as the reference lists them; the first of equally good ones is the primary one.
    for (const name of Object.keys(scoreFunctions).sort())
      scorers.set(name, toScorer(name, scoreFunctions[name]!));
    if (scorers.size === 0) throw invalidArgument("scoreFunctions must hold at least one function.");
    if (mainScoreFunction !== undefined && !scorers.has(mainScoreFunction)) {
      throw invalidArgument(
        `mainScoreFunction must be one of ${[...scorers.keys()].join(", ")}, received ${received(mainScoreFunction)}.`,
      );
    }
  }
  return {
    cuts: resolveMetricCuts(options),
    encoding: resolveEncoding(options, 32),
    corpusChunkSize: positiveInteger("corpusChunkSize", corpusChunkSize),
    scorers,
    mainScoreFunction,
  };
}

/** What is searched for what, and what should be found. */
export interface RetrievalTask {
  /** Only queries that have a relevant document. */
  readonly queries: ReadonlyMap<string, string>;
  readonly corpus: ReadonlyMap<string, string>;
  /** Grades 1 of the relevant documents of each query. */
  readonly relevant: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly queryPrompt: Prompt;
  readonly corpusPrompt: Prompt;
}

/** What came out, under names without the evaluator's. */
export interface RetrievalMeasurement {
  /** `{score function}_{metric}@{k}`. */
  readonly metrics: Record<string, number>;
  readonly scoreFunctions: readonly string[];
  readonly queryTally: SparsityTally;
  readonly corpusTally: SparsityTally;
  /** Hits by score function, in the order of the queries. */
  readonly hits: ReadonlyMap<string, readonly (readonly RankedDocument[])[]>;
}

/** Queries scored between two looks at the signal. */
const queryBlock = 32;

/** Encodes everything, searches exhaustively, and measures. */
export async function measureRetrieval(
  task: RetrievalTask,
  settings: RetrievalSettings,
  encoder: EvaluatedEncoder,
  options: EvaluateOptions,
): Promise<RetrievalMeasurement> {
  const scorers = settings.scorers ?? ownScorer(encoder, settings.mainScoreFunction);
  const run = new EncodingRun(encoder, settings.encoding, task.queries.size + task.corpus.size, options);
  const [queryTally, corpusTally] = [new SparsityTally(), new SparsityTally()];
  const queries = await run.queries([...task.queries.values()], task.queryPrompt);
  queryTally.add(queries);
  const k = deepestCut(settings.cuts);
  const hits = new Map<string, RankedDocument[][]>();
  for (const name of scorers.keys())
    hits.set(
      name,
      Array.from(queries, () => []),
    );
  const ids = [...task.corpus.keys()];
  const texts = [...task.corpus.values()];
  for (let start = 0; start < ids.length; start += settings.corpusChunkSize) {
    const end = start + settings.corpusChunkSize;
    const documents = await run.documents(texts.slice(start, end), task.corpusPrompt);
    corpusTally.add(documents);
    const chunkIds = ids.slice(start, end);
    for (const [name, scorer] of scorers) {
      const found = hits.get(name)!;
      for (let first = 0; first < queries.length; first += queryBlock) {
        scorer(queries.slice(first, first + queryBlock), documents).forEach((scores, row) => {
          found[first + row] = mergeHits(found[first + row]!, chunkIds, scores, k);
        });
        await nextTurn();
        throwIfAborted(options.signal);
      }
    }
  }
  const metrics: Record<string, number> = {};
  const queryIds = [...task.queries.keys()];
  for (const [name, found] of hits) {
    const perQuery = found.map((ranking, position) => {
      const ranked = ranking.map(({ id }) => id);
      return rankingMetrics(ranked, task.relevant.get(queryIds[position]!)!, settings.cuts);
    });
    for (const [metric, value] of Object.entries(meanMetrics(perQuery))) metrics[`${name}_${metric}`] = value;
  }
  return { metrics, scoreFunctions: [...scorers.keys()], queryTally, corpusTally, hits };
}

function ownScorer(encoder: EvaluatedEncoder, main: string | undefined): ReadonlyMap<string, Scorer> {
  const name = encoder.similarityFunction;
  if (main !== undefined && main !== name) {
    throw invalidArgument(
      `mainScoreFunction is ${received(main)}, but the encoder compares by ${name}; name it in scoreFunctions.`,
    );
  }
  return new Map([[name, toScorer(name, (queries, documents) => encoder.similarity(queries, documents))]]);
}

/** Active dims, sparsity ratios and shared dims under the reference's names. */
export function tallyMetrics(queries: SparsityTally, corpus: SparsityTally): Record<string, number> {
  return {
    ...sparsityMetrics("query", queries.statistics),
    ...sparsityMetrics("corpus", corpus.statistics),
    avg_flops: queries.sharedDims(corpus),
  };
}

/** `{score function}_ndcg@{largest k}` of the main score function, or of the best one. */
export function primaryRetrievalMetric(
  settings: RetrievalSettings,
  scoreFunctions: readonly string[],
  metrics: Readonly<Record<string, number>>,
): string {
  const key = (name: string) => `${name}_ndcg@${Math.max(...settings.cuts.ndcgAtK)}`;
  if (settings.mainScoreFunction !== undefined) return key(settings.mainScoreFunction);
  return key(scoreFunctions.reduce((a, b) => (metrics[key(b)]! > metrics[key(a)]! ? b : a)));
}

/** The columns of the reference's CSV file. */
export function retrievalCsvRow(
  cuts: MetricCuts,
  scoreFunctions: readonly string[],
  metrics: Readonly<Record<string, number>>,
  tallies: Readonly<Record<string, number>>,
): [string, number][] {
  const row: [string, number][] = [];
  for (const name of scoreFunctions) {
    const add = (label: string, key: string) => row.push([`${name}-${label}`, metrics[`${name}_${key}`]!]);
    for (const k of cuts.accuracyAtK) add(`Accuracy@${k}`, `accuracy@${k}`);
    for (const k of cuts.precisionRecallAtK) {
      add(`Precision@${k}`, `precision@${k}`);
      add(`Recall@${k}`, `recall@${k}`);
    }
    for (const k of cuts.mrrAtK) add(`MRR@${k}`, `mrr@${k}`);
    for (const k of cuts.ndcgAtK) add(`NDCG@${k}`, `ndcg@${k}`);
    for (const k of cuts.mapAtK) add(`MAP@${k}`, `map@${k}`);
  }
  return [...row, ...Object.entries(tallies)];
}
