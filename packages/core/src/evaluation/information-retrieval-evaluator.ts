import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";
import { checkEncoder, type EvaluatedEncoder, type Prompt } from "./evaluated-encoder.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  type EvaluatorOptions,
  flag,
  named,
  resolveEvaluatorOptions,
} from "./evaluation.ts";
import { appendCsvRow, resultFileName, writeJsonLines } from "./files/result-files.ts";
import { checkRetrievalData, type RetrievalData } from "./retrieval-data.ts";
import {
  measureRetrieval,
  primaryRetrievalMetric,
  type RetrievalMeasurement,
  type RetrievalOptions,
  type RetrievalSettings,
  type RetrievalTask,
  resolveRetrieval,
  retrievalCsvRow,
  retrievalOptionNames,
  tallyMetrics,
} from "./retrieval-task.ts";
import type { SparsityTally } from "./sparsity-tally.ts";

/** Options of an {@link InformationRetrievalEvaluator}. */
export interface InformationRetrievalOptions extends RetrievalData, RetrievalOptions, EvaluatorOptions {
  /** Text put in front of each query. Default: the encoder's prompt for queries. */
  readonly queryPrompt?: string;
  /** Name of the encoder's prompt for queries. */
  readonly queryPromptName?: string;
  /** Text put in front of each document. Default: the encoder's prompt for documents. */
  readonly corpusPrompt?: string;
  /** Name of the encoder's prompt for documents. */
  readonly corpusPromptName?: string;
  /** Count relevant documents that the corpus lacks as never found, instead of refusing them. Default false. */
  readonly allowMissingDocuments?: boolean;
  /** Write the hits of each query to a JSONL file a score function in `outputPath`, if that is given. Default false. */
  readonly writePredictions?: boolean;
}

const optionNames: readonly (keyof InformationRetrievalOptions)[] = [
  "queries",
  "corpus",
  "relevantDocuments",
  ...retrievalOptionNames,
  "queryPrompt",
  "queryPromptName",
  "corpusPrompt",
  "corpusPromptName",
  "allowMissingDocuments",
  "name",
  "writeCsv",
  "writePredictions",
];

/**
 * Measures how well an encoder finds the relevant documents of queries: each query is compared with every document, and
 * the best are scored by accuracy, precision, recall, nDCG, MRR and MAP. Relevance is binary; for graded nDCG see
 * `evaluateRun`. Queries without a relevant document are left out. Equal scores are ranked by rising document id. Names
 * and formulas are those of `SparseInformationRetrievalEvaluator` of sentence-transformers.
 *
 * Metrics are `{name_}{score function}_{accuracy|precision|recall|ndcg|mrr|map}@{k}`, and with the prefix of the name
 * alone `query_active_dims`, `query_sparsity_ratio`, `corpus_active_dims`, `corpus_sparsity_ratio`, and `avg_flops`: the
 * mean number of dims that a query and a document share.
 *
 * @example
 * const evaluator = new InformationRetrievalEvaluator({
 *   queries: { q1: "What is the weather like?" },
 *   corpus: { d1: "It's so sunny outside!", d2: "He drove to the stadium." },
 *   relevantDocuments: { q1: ["d1"] },
 * });
 * const { metrics, primaryMetric } = await evaluator.evaluate(encoder);
 * metrics[primaryMetric]; // dot_ndcg@10: 1
 */
export class InformationRetrievalEvaluator {
  private readonly task: RetrievalTask;
  private readonly settings: RetrievalSettings;
  private readonly name: string;
  private readonly writeCsv: boolean;
  private readonly writePredictions: boolean;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: InformationRetrievalOptions) {
    const call = "InformationRetrievalEvaluator";
    checkOptionNames(call, options ?? null, optionNames);
    const allowMissing = flag("allowMissingDocuments", options.allowMissingDocuments, false);
    this.settings = resolveRetrieval(options);
    const { name, writeCsv } = resolveEvaluatorOptions(options);
    this.name = name;
    this.writeCsv = writeCsv;
    this.writePredictions = flag("writePredictions", options.writePredictions, false);
    this.task = {
      ...checkRetrievalData(options, allowMissing),
      queryPrompt: promptOf("queryPrompt", options.queryPrompt, options.queryPromptName),
      corpusPrompt: promptOf("corpusPrompt", options.corpusPrompt, options.corpusPromptName),
    };
  }

  /**
   * Encodes queries and corpus and measures.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws
   */
  async evaluate(encoder: EvaluatedEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    return (await this.measure(encoder, options)).evaluation;
  }

  /** Texts that an evaluation encodes. @internal */
  get size(): { queries: number; documents: number } {
    return { queries: this.task.queries.size, documents: this.task.corpus.size };
  }

  /** As {@link InformationRetrievalEvaluator.evaluate}, with what an average over collections needs. @internal */
  async measure(
    encoder: EvaluatedEncoder,
    options: EvaluateOptions,
  ): Promise<{
    evaluation: Evaluation;
    metrics: Record<string, number>;
    scoreFunctions: readonly string[];
    queryTally: SparsityTally;
    corpusTally: SparsityTally;
  }> {
    checkEncoder("evaluate", encoder);
    checkEvaluateOptions("evaluate", options);
    const measured = await measureRetrieval(this.task, this.settings, encoder, options);
    const { metrics, scoreFunctions, queryTally, corpusTally } = measured;
    const tallies = tallyMetrics(queryTally, corpusTally);
    if (options.outputPath !== undefined) await this.write(options.outputPath, measured, tallies);
    const primary = primaryRetrievalMetric(this.settings, scoreFunctions, metrics);
    return {
      evaluation: named(this.name, primary, { ...metrics, ...tallies }),
      metrics,
      scoreFunctions,
      queryTally,
      corpusTally,
    };
  }

  private async write(
    folder: string,
    { metrics, scoreFunctions, hits }: RetrievalMeasurement,
    tallies: Readonly<Record<string, number>>,
  ): Promise<void> {
    const start = "Information-Retrieval_evaluation";
    if (this.writePredictions) {
      const queries = [...this.task.queries];
      for (const [score, found] of hits) {
        const lines = queries.map(([id, query], position) => ({
          query_id: id,
          query,
          results: found[position]!.map((hit) => ({ corpus_id: hit.id, score: hit.score })),
        }));
        await writeJsonLines(folder, resultFileName(start, this.name, `predictions_${score}.jsonl`), lines);
      }
    }
    if (this.writeCsv) {
      const row = retrievalCsvRow(this.settings.cuts, scoreFunctions, metrics, tallies);
      await appendCsvRow(folder, resultFileName(start, this.name, "results.csv"), row);
    }
  }
}

function promptOf(name: string, prompt: unknown, promptName: unknown): Prompt {
  for (const [option, value] of [
    [name, prompt],
    [`${name}Name`, promptName],
  ]) {
    if (value === undefined || typeof value === "string") continue;
    throw invalidArgument(`${option} must be a string, received ${received(value)}.`);
  }
  return { prompt: prompt as string | undefined, promptName: promptName as string | undefined };
}
