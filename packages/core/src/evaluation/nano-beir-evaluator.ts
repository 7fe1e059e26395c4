import type { Progress } from "../encoder/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import {
  type CheckedOptions,
  callback,
  checkOptionNames,
  declareOptions,
  flag,
  rule,
} from "../options/index.ts";
import { checkEncoder, type EvaluableEncoder } from "./evaluated-encoder.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  evaluatorRules,
  fileNamePart,
  named,
} from "./evaluation.ts";
import { appendCsvRow } from "./files/result-files.ts";
import { InformationRetrievalEvaluator } from "./information-retrieval-evaluator.ts";
import { checkRetrievalData, type RetrievalData } from "./retrieval-data.ts";
import {
  primaryRetrievalMetric,
  type RetrievalOptions,
  retrievalCsvRow,
  retrievalRules,
  scorersOf,
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
  readonly name?: string | undefined;
  /** Averages one metric over the collections, in their order. Default: the mean. */
  readonly aggregate?: ((values: readonly number[]) => number) | undefined;
  /** Second part of the name of the average. Default `mean`. */
  readonly aggregateKey?: string | undefined;
  /** Text put in front of each query. Default: the encoder's prompt for queries. */
  readonly queryPrompts?: CollectionPrompts | undefined;
  /** Text put in front of each document. Default: the encoder's prompt for documents. */
  readonly corpusPrompts?: CollectionPrompts | undefined;
  /** Count relevant documents that a corpus lacks as never found, instead of refusing them. Default false. */
  readonly allowMissingDocuments?: boolean | undefined;
  /** Append a line to CSV files in `outputPath`, if that is given: of each collection and of the average. Default true. */
  readonly writeCsv?: boolean | undefined;
  /** Write the hits of each query to JSONL files in `outputPath`, if that is given. Default false. */
  readonly writePredictions?: boolean | undefined;
}

const evaluatorOptions = declareOptions<NanoBeirOptions>()({
  collections: rule(checkCollections).required(),
  ...retrievalRules,
  name: fileNamePart.default("NanoBEIR"),
  aggregate: callback<(values: readonly number[]) => number>().default(mean),
  aggregateKey: fileNamePart.default("mean"),
  queryPrompts: rule(checkPrompts),
  corpusPrompts: rule(checkPrompts),
  allowMissingDocuments: flag().default(false),
  writeCsv: evaluatorRules.writeCsv,
  writePredictions: flag().default(false),
});

/**
 * Measures retrieval on several collections and averages, as `SparseNanoBEIREvaluator` of sentence-transformers does; the
 * collections are given, nothing is downloaded. Empty queries and documents are left out.
 *
 * Metrics are the metrics of an `InformationRetrievalEvaluator` for each collection, and their averages as
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
  private readonly options: CheckedOptions<typeof evaluatorOptions.rules>;
  /** First part of the names of averages. */
  private readonly name: string;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: NanoBeirOptions) {
    this.options = evaluatorOptions.check("NanoBeirEvaluator", options);
    scorersOf(this.options);
    const { name, aggregate, aggregateKey, ...others } = this.options;
    const { collections, queryPrompts, corpusPrompts, allowMissingDocuments, ...common } = others;
    const suffix = common.maxActiveDims === undefined ? "" : `_${common.maxActiveDims}`;
    this.name = `${name}_${aggregateKey}${suffix}`;
    const names = Object.keys(collections);
    checkCollectionNames("queryPrompts", queryPrompts, names);
    checkCollectionNames("corpusPrompts", corpusPrompts, names);
    this.evaluators = names.map((collection) =>
      naming(collection, () => {
        const data = withoutEmpty(collections[collection]!, allowMissingDocuments);
        return new InformationRetrievalEvaluator({
          ...common,
          ...data,
          queryPrompt: promptOf(queryPrompts, collection),
          corpusPrompt: promptOf(corpusPrompts, collection),
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
  async evaluate(encoder: EvaluableEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    const call = checkEvaluateOptions("evaluate", options);
    const { onProgress, outputPath } = call;
    const { name, aggregate, aggregateKey, writeCsv } = this.options;
    const sizes = this.evaluators.map(({ size }) => size.queries + size.documents);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const measured: Awaited<ReturnType<InformationRetrievalEvaluator["measure"]>>[] = [];
    let before = 0;
    for (const [position, evaluator] of this.evaluators.entries()) {
      const start = before;
      const report = onProgress && (({ done }: Progress) => onProgress({ done: start + done, total }));
      measured.push(await evaluator.measure(encoder, { ...call, onProgress: report }));
      before += sizes[position]!;
    }
    const { scoreFunctions } = measured[0]!;
    const metrics: Record<string, number> = {};
    for (const key of Object.keys(measured[0]!.metrics)) {
      metrics[key] = aggregate(measured.map((collection) => collection.metrics[key]!));
    }
    const tallies = tallyMetrics(
      SparsityTally.join(measured.map(({ queryTally }) => queryTally)),
      SparsityTally.join(measured.map(({ corpusTally }) => corpusTally)),
    );
    if (outputPath !== undefined && writeCsv) {
      const row = retrievalCsvRow(this.options, scoreFunctions, metrics, tallies);
      await appendCsvRow(outputPath, `${name}_evaluation_${aggregateKey}_results.csv`, row);
    }
    const primary = primaryRetrievalMetric(this.options, scoreFunctions, metrics);
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

function checkCollections(value: unknown, name: string): Readonly<Record<string, RetrievalData>> {
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    return value as Readonly<Record<string, RetrievalData>>;
  }
  throw invalidArgument(`${name} must hold at least one collection by name, received ${received(value)}.`);
}

function checkPrompts(value: unknown, name: string): CollectionPrompts {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) {
    const prompts: Readonly<Record<string, unknown>> = { ...value };
    if (Object.values(prompts).every((prompt) => typeof prompt === "string"))
      return value as CollectionPrompts;
  }
  throw invalidArgument(`${name} must be a string or strings by collection, received ${received(value)}.`);
}

/** Checks that prompts by collection are there for each collection, and for no other. */
function checkCollectionNames(
  option: string,
  prompts: CollectionPrompts | undefined,
  names: readonly string[],
): void {
  if (prompts === undefined || typeof prompts === "string") return;
  const lacking = names.filter((name) => !Object.hasOwn(prompts, name));
  if (lacking.length > 0) throw invalidArgument(`${option} lacks the collections ${lacking.join(", ")}.`);
  checkOptionNames(option, prompts, names);
}

function promptOf(prompts: CollectionPrompts | undefined, collection: string): string | undefined {
  return typeof prompts === "object" ? prompts[collection] : prompts;
}
