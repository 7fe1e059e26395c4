import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { type CheckedOptions, count, declareOptions, rule, text } from "../options/index.ts";
import type { EmbeddingMatrix } from "../vector/index.ts";
import {
  type EncodingOptions,
  EncodingRun,
  type EvaluatedEncoder,
  encodingRules,
  type Prompt,
} from "./evaluated-encoder.ts";
import type { EvaluateOptions } from "./evaluation.ts";
import {
  deepestCut,
  type MetricCutOptions,
  type MetricCuts,
  meanMetrics,
  metricCutOptions,
  rankingMetrics,
} from "./metrics/ranking-metrics.ts";
import type { RankedDocument } from "./metrics/run.ts";
import { mergeHits } from "./ranked-hits.ts";
import { type ScoreFunction, type Scorer, toScorer } from "./score-function.ts";
import { SparsityTally, sparsityMetrics } from "./sparsity-tally.ts";

/** How retrieval is evaluated, whatever the collection. */
export interface RetrievalOptions extends MetricCutOptions, EncodingOptions {
  /** Documents encoded and held at once. Default 50,000. */
  readonly corpusChunkSize?: number | undefined;
  /** Score functions by name; each gives metrics of its own. Default: the encoder's `similarity` under its name. */
  readonly scoreFunctions?: Readonly<Record<string, ScoreFunction>> | undefined;
  /** The score function of the primary metric. Default: the one with the best nDCG. */
  readonly mainScoreFunction?: string | undefined;
}

/** {@link RetrievalOptions}, for the declarations of evaluators. */
export const retrievalRules = declareOptions<RetrievalOptions>()({
  ...metricCutOptions.rules,
  ...encodingRules(32),
  corpusChunkSize: count().default(50_000),
  scoreFunctions: rule(checkScoreFunctions),
  mainScoreFunction: text(),
}).rules;

/** {@link RetrievalOptions}, checked, with their defaults. */
export type RetrievalSettings = CheckedOptions<typeof retrievalRules>;

function checkScoreFunctions(functions: unknown, option: string): Readonly<Record<string, ScoreFunction>> {
  if (typeof functions !== "object" || functions === null || Array.isArray(functions)) {
    throw invalidArgument(`${option} must be an object by name, received ${received(functions)}.`);
  }
  const names = Object.keys(functions);
  if (names.length === 0) throw invalidArgument(`${option} must hold at least one function.`);
  const byName = functions as Readonly<Record<string, ScoreFunction>>;
  for (const name of names) toScorer(`${option}.${name}`, byName[name]!);
  return byName;
}

/**
 * Score functions by name, in the order in which the reference lists them; the first of equally good ones is the primary one.
 * Undefined for the encoder's own.
 * @throws SparseEncoderError `INVALID_ARGUMENT` if the main one is not among them
 */
export function scorersOf(settings: RetrievalSettings): ReadonlyMap<string, Scorer> | undefined {
  const { scoreFunctions, mainScoreFunction } = settings;
  if (scoreFunctions === undefined) return undefined;
  const names = Object.keys(scoreFunctions).sort();
  if (mainScoreFunction !== undefined && !names.includes(mainScoreFunction)) {
    throw invalidArgument(
      `mainScoreFunction must be one of ${names.join(", ")}, received ${received(mainScoreFunction)}.`,
    );
  }
  return new Map(names.map((name) => [name, toScorer(name, scoreFunctions[name]!)]));
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
  encoder: EvaluatedEncoder<EmbeddingMatrix>,
  options: EvaluateOptions,
): Promise<RetrievalMeasurement> {
  const scorers = scorersOf(settings) ?? ownScorer(encoder, settings.mainScoreFunction);
  const run = new EncodingRun(encoder, settings, task.queries.size + task.corpus.size, options);
  const [queryTally, corpusTally] = [new SparsityTally(), new SparsityTally()];
  const queries = await run.queries([...task.queries.values()], task.queryPrompt);
  queryTally.add(queries);
  const k = deepestCut(settings);
  const hits = new Map<string, RankedDocument[][]>();
  for (const name of scorers.keys())
    hits.set(
      name,
      Array.from({ length: queries.length }, () => []),
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
      return rankingMetrics(ranked, task.relevant.get(queryIds[position]!)!, settings);
    });
    for (const [metric, value] of Object.entries(meanMetrics(perQuery))) metrics[`${name}_${metric}`] = value;
  }
  return { metrics, scoreFunctions: [...scorers.keys()], queryTally, corpusTally, hits };
}

function ownScorer(
  encoder: EvaluatedEncoder<EmbeddingMatrix>,
  main: string | undefined,
): ReadonlyMap<string, Scorer> {
  const name = encoder.similarityFunction;
  if (main !== undefined && main !== name) {
    throw invalidArgument(
      `mainScoreFunction is ${received(main)}, but the encoder compares by ${name}; name it in scoreFunctions.`,
    );
  }
  return new Map([[name, toScorer(name, (queries, documents) => encoder.similarity(queries, documents))]]);
}

/** Active dims, sparsity ratios and shared dims under the reference's names; nothing for dense embeddings. */
export function tallyMetrics(queries: SparsityTally, corpus: SparsityTally): Record<string, number> {
  const { statistics } = queries;
  return {
    ...sparsityMetrics("query", statistics),
    ...sparsityMetrics("corpus", corpus.statistics),
    ...(statistics === undefined ? {} : { avg_flops: queries.sharedDims(corpus) }),
  };
}

/** `{score function}_ndcg@{largest k}` of the main score function, or of the best one. */
export function primaryRetrievalMetric(
  settings: RetrievalSettings,
  scoreFunctions: readonly string[],
  metrics: Readonly<Record<string, number>>,
): string {
  const key = (name: string) => `${name}_ndcg@${Math.max(...settings.ndcgAtK)}`;
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
