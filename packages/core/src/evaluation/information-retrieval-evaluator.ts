import { invalidArgument, received } from "../errors.ts";
import { type CheckedOptions, declareOptions, flag, rule, unchecked } from "../options/index.ts";
import { checkEncoder, type EvaluableEncoder } from "./evaluated-encoder.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  type EvaluatorOptions,
  evaluatorRules,
  named,
} from "./evaluation.ts";
import { appendCsvRow, resultFileName, writeJsonLines } from "./files/result-files.ts";
import { checkRetrievalData, type RetrievalData } from "./retrieval-data.ts";
import {
  measureRetrieval,
  primaryRetrievalMetric,
  type RetrievalMeasurement,
  type RetrievalOptions,
  type RetrievalTask,
  retrievalCsvRow,
  retrievalRules,
  scorersOf,
  tallyMetrics,
} from "./retrieval-task.ts";
import type { SparsityTally } from "./sparsity-tally.ts";

/** Options of an {@link InformationRetrievalEvaluator}. */
export interface InformationRetrievalOptions extends RetrievalData, RetrievalOptions, EvaluatorOptions {
  /** Text put in front of each query. Default: the encoder's prompt for queries. */
  readonly queryPrompt?: string | undefined;
  /** Name of the encoder's prompt for queries. */
  readonly queryPromptName?: string | undefined;
  /** Text put in front of each document. Default: the encoder's prompt for documents. */
  readonly corpusPrompt?: string | undefined;
  /** Name of the encoder's prompt for documents. */
  readonly corpusPromptName?: string | undefined;
  /** Count relevant documents that the corpus lacks as never found, instead of refusing them. Default false. */
  readonly allowMissingDocuments?: boolean | undefined;
  /** Write the hits of each query to one JSONL file per score function in `outputPath`, if that is given. Default false. */
  readonly writePredictions?: boolean | undefined;
}

/** A prompt, or the name of one; `""` is a prompt too. */
const promptString = rule((value, name) => {
  if (typeof value === "string") return value;
  throw invalidArgument(`${name} must be a string, received ${received(value)}.`);
});

const evaluatorOptions = declareOptions<InformationRetrievalOptions>()({
  queries: unchecked<RetrievalData["queries"]>().required(),
  corpus: unchecked<RetrievalData["corpus"]>().required(),
  relevantDocuments: unchecked<RetrievalData["relevantDocuments"]>().required(),
  ...retrievalRules,
  queryPrompt: promptString,
  queryPromptName: promptString,
  corpusPrompt: promptString,
  corpusPromptName: promptString,
  allowMissingDocuments: flag().default(false),
  ...evaluatorRules,
  writePredictions: flag().default(false),
});

/**
 * Measures how well an encoder finds the relevant documents of queries: each query is compared with every document, and
 * the best are scored by accuracy, precision, recall, nDCG, MRR and MAP. Relevance is binary; for graded nDCG see
 * `evaluateRun`. Queries without a relevant document are left out. Equal scores are ranked by rising document id. Names
 * and formulas follow `SparseInformationRetrievalEvaluator` of sentence-transformers.
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
  private readonly options: CheckedOptions<typeof evaluatorOptions.rules>;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: InformationRetrievalOptions) {
    this.options = evaluatorOptions.check("InformationRetrievalEvaluator", options);
    scorersOf(this.options);
    const { queryPrompt, queryPromptName, corpusPrompt, corpusPromptName } = this.options;
    this.task = {
      ...checkRetrievalData(this.options, this.options.allowMissingDocuments),
      queryPrompt: { prompt: queryPrompt, promptName: queryPromptName },
      corpusPrompt: { prompt: corpusPrompt, promptName: corpusPromptName },
    };
  }

  /**
   * Encodes queries and corpus and measures.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws
   */
  async evaluate(encoder: EvaluableEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    return (await this.measure(encoder, options)).evaluation;
  }

  /** Texts that an evaluation encodes. @internal */
  get size(): { queries: number; documents: number } {
    return { queries: this.task.queries.size, documents: this.task.corpus.size };
  }

  /** As {@link InformationRetrievalEvaluator.evaluate}, with what an average over collections needs. @internal */
  async measure(
    encoder: EvaluableEncoder,
    options: EvaluateOptions,
  ): Promise<{
    evaluation: Evaluation;
    metrics: Record<string, number>;
    scoreFunctions: readonly string[];
    queryTally: SparsityTally;
    corpusTally: SparsityTally;
  }> {
    checkEncoder("evaluate", encoder);
    const call = checkEvaluateOptions("evaluate", options);
    const measured = await measureRetrieval(this.task, this.options, encoder, call);
    const { metrics, scoreFunctions, queryTally, corpusTally } = measured;
    const tallies = tallyMetrics(queryTally, corpusTally);
    if (call.outputPath !== undefined) await this.write(call.outputPath, measured, tallies);
    const primary = primaryRetrievalMetric(this.options, scoreFunctions, metrics);
    return {
      evaluation: named(this.options.name, primary, { ...metrics, ...tallies }),
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
    const { name, writeCsv, writePredictions } = this.options;
    if (writePredictions) {
      const queries = [...this.task.queries];
      for (const [score, found] of hits) {
        const lines = queries.map(([id, query], position) => ({
          query_id: id,
          query,
          results: found[position]!.map((hit) => ({ corpus_id: hit.id, score: hit.score })),
        }));
        await writeJsonLines(folder, resultFileName(start, name, `predictions_${score}.jsonl`), lines);
      }
    }
    if (writeCsv) {
      const row = retrievalCsvRow(this.options, scoreFunctions, metrics, tallies);
      await appendCsvRow(folder, resultFileName(start, name, "results.csv"), row);
    }
  }
}
