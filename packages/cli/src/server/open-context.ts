import type { CrossEncoder } from "@sparse-encoder/core";
import { type BeirCollection, readBeirFolder } from "@sparse-encoder/core/evaluation";
import packageFile from "../../package.json" with { type: "json" };
import { Collection, type CollectionOptions } from "../collection/collection.ts";
import { readDescription } from "../collection/index-description.ts";
import { addDocuments, finishWriting } from "../collection/store-documents.ts";
import { CommandError } from "../command-error.ts";
import { embeddedModel } from "../models/embedded-model.ts";
import { openReranker } from "../models/open-encoder.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { ComparedModel, checkComparedNames } from "./compared-model.ts";
import { denseBatcher, sparseBatcher } from "./encoder-batchers.ts";
import type { ServerLimits } from "./guards/server-limits.ts";
import { JudgementSet, readJudgements } from "./judgement-set.ts";
import type { ServerContext } from "./server-context.ts";
import { ServerMetrics } from "./server-metrics.ts";

/** What a server works with, and how it is told to end. */
export interface OpenContext extends ServerContext, AsyncDisposable {
  /** From now on the server is not ready. */
  end(): void;
}

export interface ContextOptions extends CollectionOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Whether a person named the folder: it is made then, and otherwise the index is in memory. */
  readonly isIndexNamed: boolean;
  /** Folder of a collection with judgements, which is searched in place of an index. */
  readonly beir?: string | undefined;
  /** Judgements of that collection that are used. */
  readonly split?: string | undefined;
  /** Files of judged queries and of their judgements, for an index. */
  readonly queries?: string | undefined;
  readonly qrels?: string | undefined;
  /** Further sparse models, which the page sets beside the model of the index. */
  readonly compare?: readonly string[] | undefined;
  /** Reranker of `/rerank`. */
  readonly reranker?: string | undefined;
  readonly limits: ServerLimits;
}

/** Documents of a collection that are stored together. */
const documentsAtOnce = 512;

/** Opens encoders and index. */
export async function openContext(options: ContextOptions, signal: AbortSignal): Promise<OpenContext> {
  const { index, isIndexNamed, beir } = options;
  const judged = beir === undefined ? undefined : await readBeirFolder(beir, { split: options.split });
  const judgements = judged === undefined ? await startJudgements(options) : new JudgementSet(judged);
  const isThere = (await readDescription(index)) !== undefined;
  const collection =
    judged === undefined && (isThere || isIndexNamed)
      ? await Collection.open(index, options, signal, "write")
      : await Collection.create(options, signal);
  const compared: ComparedModel[] = [];
  const metrics = new ServerMetrics();
  try {
    const names = options.compare ?? [];
    checkComparedNames(collection.description.models.model ?? embeddedModel, names);
    // What a run that did not end has left is mended first.
    if (collection.description.state === "writing") await finishWriting(collection, true, signal);
    for (const name of names) {
      const parts = { limits: options.limits, metrics };
      compared.push(await ComparedModel.open(name, collection, options, parts, signal));
    }
    if (judged !== undefined) await addJudged(collection, judged, signal);
    const reranker =
      options.reranker === undefined ? undefined : await openReranker(options.reranker, options, signal);
    return contextOf(collection, judgements, { compared, reranker, metrics }, options);
  } catch (error) {
    await closeAll(collection, compared, undefined);
    throw error;
  }
}

/** Judgements that are given beside an index. */
async function startJudgements({ queries, qrels }: ContextOptions): Promise<JudgementSet | undefined> {
  if (queries === undefined || qrels === undefined) return undefined;
  return readJudgements(
    { queries, qrels },
    (message) => new CommandError(`${queries}, ${qrels}: ${message}`),
  );
}

/** What is opened beside the index. */
interface OpenModels {
  readonly compared: readonly ComparedModel[];
  readonly reranker: CrossEncoder | undefined;
  readonly metrics: ServerMetrics;
}

function contextOf(
  collection: Collection,
  judgements: JudgementSet | undefined,
  { compared, reranker, metrics }: OpenModels,
  { limits, reranker: rerankerModel }: ContextOptions,
): OpenContext {
  const { encoder, dense, description } = collection;
  const ending = new AbortController();
  return {
    ...{ encoder, dense, reranker, rerankerModel, collection, compared, judgements, limits, metrics },
    model: description.models.model ?? embeddedModel,
    denseModel: description.models.dense ?? undefined,
    version: packageFile.version,
    sparseTexts: sparseBatcher(encoder, "sparse", limits, metrics),
    denseTexts: dense === undefined ? undefined : denseBatcher(dense, limits, metrics),
    isReady: () => !ending.signal.aborted,
    end: () => ending.abort(),
    [Symbol.asyncDispose]: () => closeAll(collection, compared, reranker),
  };
}

async function closeAll(
  collection: Collection,
  compared: readonly ComparedModel[],
  reranker: CrossEncoder | undefined,
): Promise<void> {
  const models = compared.map((model) => model[Symbol.asyncDispose]());
  await Promise.all([collection[Symbol.asyncDispose](), ...models, reranker?.close()]);
}

async function addJudged(
  collection: Collection,
  { documents }: BeirCollection,
  signal: AbortSignal,
): Promise<void> {
  using line = new ProgressLine();
  for (let start = 0; start < documents.length; start += documentsAtOnce) {
    const part = documents.slice(start, start + documentsAtOnce);
    const given = part.map(({ id, title, text }) => ({ id, text, metadata: { title } }));
    await addDocuments(collection, given, signal);
    line.count("Encoding", start + part.length, documents.length, "documents");
  }
}
