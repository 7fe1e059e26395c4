import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";
import { checkEncoder, type EvaluatedEncoder } from "./evaluated-encoder.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  flag,
  named,
  resolveEvaluatorOptions,
} from "./evaluation.ts";
import { appendCsvRow } from "./files/result-files.ts";
import {
  InformationRetrievalEvaluator,
  type InformationRetrievalOptions,
} from "./information-retrieval-evaluator.ts";
import { checkRetrievalData, type RetrievalData } from "./retrieval-data.ts";
import {
  primaryRetrievalMetric,
  type RetrievalOptions,
  type RetrievalSettings,
  resolveRetrieval,
  retrievalCsvRow,
  retrievalOptionNames,
  tallyMetrics,
} from "./retrieval-task.ts";
import { SparsityTally } from "./sparsity-tally.ts";

/** One text for all collections, or one for each by name. */
export type CollectionPrompts = string | Readonly<Record<string, string>>;

/** Options of a {@link NanoBeirEvaluator}. */
export interface NanoBeirOptions extends RetrievalOptions {
  /** Collections by the name that their metrics begin with, such as `NanoMSMARCO`. At least one. */
  readonly collections: Readonly<Record<string, RetrievalData>>;
  /** First part of the name of the average. Default `NanoBEIR`. */
  readonly name?: string;
  /** Averages one metric over the collections, in their order. Default: the mean. */
  readonly aggregate?: (values: readonly number[]) => number;
  /** Second part of the name of the average. Default `mean`. */
  readonly aggregateKey?: string;
  /** Text put in front of each query. Default: the encoder's prompt for queries. */
  readonly queryPrompts?: CollectionPrompts;
  /** Text put in front of each document. Default: the encoder's prompt for documents. */
  readonly corpusPrompts?: CollectionPrompts;
  /** Count relevant documents that a corpus lacks as never found, instead of refusing them. Default false. */
  readonly allowMissingDocuments?: boolean;
  /** Append a line to CSV files in `outputPath`, if that is given: of each collection and of the average. Default true. */
  readonly writeCsv?: boolean;
  /** Write the hits of each query to JSONL files in `outputPath`, if that is given. Default false. */
  readonly writePredictions?: boolean;
}

const optionNames: readonly (keyof NanoBeirOptions)[] = [
  "collections",
  ...retrievalOptionNames,
  "name",
  "aggregate",
  "aggregateKey",
  "queryPrompts",
  "corpusPrompts",
  "allowMissingDocuments",
  "writeCsv",
  "writePredictions",
];

/**
 * Measures retrieval on several collections and averages, as `SparseNanoBEIREvaluator` of sentence-transformers does; the
 * collections are given, nothing is downloaded. Empty queries and documents are left out.
 *
 * Metrics are those of an `InformationRetrievalEvaluator` for each collection, and their averages as
 * `{name}_{aggregateKey}_{metric}`. With `maxActiveDims`, that number ends the names of collections and average
 * (`NanoMSMARCO_32`). In the average, active dims and sparsity ratios are over all queries or all documents, so that large
 * collections weigh more, and `avg_flops` comes from the summed counts.
 *
 * @example
 * const evaluator = new NanoBeirEvaluator({ collections: { NanoNQ: nq, NanoMSMARCO: msmarco } });
 * const { metrics } = await evaluator.evaluate(encoder);
 * metrics["NanoBEIR_mean_dot_ndcg@10"];
 */
export class NanoBeirEvaluator {
  private readonly evaluators: readonly InformationRetrievalEvaluator[];
  private readonly settings: RetrievalSettings;
  private readonly aggregate: (values: readonly number[]) => number;
  private readonly aggregateKey: string;
  private readonly name: string;
  private readonly root: string;
  private readonly writeCsv: boolean;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: NanoBeirOptions) {
    checkOptionNames("NanoBeirEvaluator", options ?? null, optionNames);
    const { collections, name = "NanoBEIR", aggregate = mean, aggregateKey = "mean", ...rest } = options;
    const { queryPrompts, corpusPrompts, allowMissingDocuments, ...common } = rest;
    const allowMissing = flag("allowMissingDocuments", allowMissingDocuments, false);
    if (typeof collections !== "object" || collections === null || Object.keys(collections).length === 0) {
      throw invalidArgument(
        `collections must hold at least one collection by name, received ${received(collections)}.`,
      );
    }
    if (typeof aggregate !== "function") {
      throw invalidArgument(`aggregate must be a function, received ${received(aggregate)}.`);
    }
    this.settings = resolveRetrieval(common);
    this.writeCsv = flag("writeCsv", options.writeCsv, true);
    this.root = resolveEvaluatorOptions({ name }).name;
    this.aggregate = aggregate;
    this.aggregateKey = resolveEvaluatorOptions({ name: aggregateKey }).name;
    const suffix = options.maxActiveDims === undefined ? "" : `_${options.maxActiveDims}`;
    this.name = `${name}_${aggregateKey}${suffix}`;
    const names = Object.keys(collections);
    const queryPrompt = promptsOf("queryPrompts", queryPrompts, names);
    const corpusPrompt = promptsOf("corpusPrompts", corpusPrompts, names);
    this.evaluators = names.map((collection) =>
      naming(collection, () => {
        const data = withoutEmpty(collections[collection]!, allowMissing);
        return new InformationRetrievalEvaluator({
          ...common,
          ...data,
          ...queryPrompt(collection, "queryPrompt"),
          ...corpusPrompt(collection, "corpusPrompt"),
          // Checked above, on the corpus with its empty texts.
          allowMissingDocuments: true,
          name: `${collection}${suffix}`,
        });
      }),
    );
  }

  /**
   * Measures each collection and averages.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws
   */
  async evaluate(encoder: EvaluatedEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    checkEvaluateOptions("evaluate", options);
    const { onProgress } = options;
    const sizes = this.evaluators.map(({ size }) => size.queries + size.documents);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const measured: Awaited<ReturnType<InformationRetrievalEvaluator["measure"]>>[] = [];
    let before = 0;
    for (const [position, evaluator] of this.evaluators.entries()) {
      const start = before;
      const report =
        onProgress === undefined
          ? undefined
          : ({ done }: { done: number }) => onProgress({ done: start + done, total });
      measured.push(await evaluator.measure(encoder, { ...options, onProgress: report }));
      before += sizes[position]!;
    }
    const { scoreFunctions } = measured[0]!;
    const metrics: Record<string, number> = {};
    for (const key of Object.keys(measured[0]!.metrics)) {
      metrics[key] = this.aggregate(measured.map((collection) => collection.metrics[key]!));
    }
    const tallies = tallyMetrics(
      SparsityTally.join(measured.map(({ queryTally }) => queryTally)),
      SparsityTally.join(measured.map(({ corpusTally }) => corpusTally)),
    );
    if (options.outputPath !== undefined && this.writeCsv) {
      const row = retrievalCsvRow(this.settings.cuts, scoreFunctions, metrics, tallies);
      const file = `${this.root}_evaluation_${this.aggregateKey}_results.csv`;
      await appendCsvRow(options.outputPath, file, row);
    }
    const primary = primaryRetrievalMetric(this.settings, scoreFunctions, metrics);
    const average = named(this.name, primary, { ...metrics, ...tallies });
    const all = measured.map(({ evaluation }) => evaluation.metrics);
    return {
      primaryMetric: average.primaryMetric,
      metrics: Object.assign({}, ...all, average.metrics) as Record<string, number>,
    };
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Runs `make`; an error it throws names the collection. */
function naming<T>(collection: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!SparseEncoderError.is(error)) throw error;
    const message = `Collection ${received(collection)}: ${error.message}`;
    throw new SparseEncoderError(error.code, message, { cause: error });
  }
}

/** A collection without its empty texts. */
function withoutEmpty(data: RetrievalData, allowMissing: boolean): RetrievalData {
  checkOptionNames("NanoBeirEvaluator", data ?? null, ["queries", "corpus", "relevantDocuments"]);
  const { queries, corpus, relevant } = checkRetrievalData(data, allowMissing);
  const filled = (texts: ReadonlyMap<string, string>) =>
    new Map([...texts].filter(([, text]) => text !== ""));
  return { queries: filled(queries), corpus: filled(corpus), relevantDocuments: relevant };
}

/** A function from the name of a collection to the option of its prompt. */
function promptsOf(
  option: string,
  prompts: CollectionPrompts | undefined,
  names: readonly string[],
): (
  collection: string,
  name: "queryPrompt" | "corpusPrompt",
) => Pick<InformationRetrievalOptions, "queryPrompt" | "corpusPrompt"> {
  if (prompts === undefined) return () => ({});
  if (typeof prompts === "string") return (_, name) => ({ [name]: prompts });
  if (typeof prompts !== "object" || prompts === null) {
    throw invalidArgument(
      `${option} must be a string or strings by collection, received ${received(prompts)}.`,
    );
  }
  const lacking = names.filter((name) => !Object.hasOwn(prompts, name));
  if (lacking.length > 0) throw invalidArgument(`${option} lacks the collections ${lacking.join(", ")}.`);
  checkOptionNames(option, prompts, names);
  return (collection, name) => ({ [name]: prompts[collection]! });
}
