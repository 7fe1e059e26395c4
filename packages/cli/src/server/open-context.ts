import type { CrossEncoder } from "@sparse-encoder/core";
import { type BeirCollection, readBeirFolder } from "@sparse-encoder/core/evaluation";
import packageFile from "../../package.json" with { type: "json" };
import { Collection, type CollectionOptions } from "../collection/collection.ts";
import { readDescription } from "../collection/index-description.ts";
import { addDocuments, finishWriting } from "../collection/store-documents.ts";
import { openReranker } from "../models/open-encoder.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { kindOfKey } from "./encode-kind.ts";
import type { ServerLimits } from "./guards/server-limits.ts";
import { JudgementSet } from "./judgement-set.ts";
import type { ServerContext } from "./server-context.ts";
import { ServerMetrics } from "./server-metrics.ts";
import { TextBatcher } from "./text-batcher.ts";

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
  /** Reranker of `/rerank`. */
  readonly reranker?: string | undefined;
  readonly limits: ServerLimits;
}

/** Documents of a collection that are stored together. */
const documentsAtOnce = 512;

/** Opens encoders and index. */
export async function openContext(options: ContextOptions, signal: AbortSignal): Promise<OpenContext> {
  const { index, isIndexNamed, beir } = options;
  const judged = beir === undefined ? undefined : await readBeirFolder(beir);
  const isThere = (await readDescription(index)) !== undefined;
  const collection =
    judged === undefined && (isThere || isIndexNamed)
      ? await Collection.open(index, options, signal, "write")
      : await Collection.create(options, signal);
  try {
    // What a run that did not end has left is mended first.
    if (collection.description.state === "writing") await finishWriting(collection, true, signal);
    if (judged !== undefined) await addJudged(collection, judged, signal);
    const reranker =
      options.reranker === undefined ? undefined : await openReranker(options.reranker, options, signal);
    return contextOf(collection, judged, reranker, options);
  } catch (error) {
    await collection[Symbol.asyncDispose]();
    throw error;
  }
}

function contextOf(
  collection: Collection,
  judged: BeirCollection | undefined,
  reranker: CrossEncoder | undefined,
  { limits, reranker: rerankerModel }: ContextOptions,
): OpenContext {
  const { encoder, dense, description } = collection;
  const metrics = new ServerMetrics();
  const { batchTexts: batchSize } = limits;
  const ending = new AbortController();
  return {
    ...{ encoder, dense, reranker, rerankerModel, collection, limits, metrics },
    judgements: judged === undefined ? undefined : new JudgementSet(judged),
    model: description.models.model ?? "splade-tiny",
    denseModel: description.models.dense ?? undefined,
    version: packageFile.version,
    sparseTexts: new TextBatcher(
      (key, texts) => {
        const { task, prompt, maxActiveDims } = kindOfKey(key);
        const options = {
          batchSize,
          ...(prompt !== undefined && { promptName: prompt }),
          ...(maxActiveDims !== undefined && { maxActiveDims }),
        };
        if (task === "query") return encoder.encodeQuery(texts, options);
        return task === "document" ? encoder.encodeDocument(texts, options) : encoder.encode(texts, options);
      },
      limits,
      metrics.eventsOf("sparse"),
    ),
    denseTexts:
      dense === undefined
        ? undefined
        : new TextBatcher(
            (key, texts) => {
              const { task, prompt, normalize = false } = kindOfKey(key);
              const options = { batchSize, normalize, ...(prompt !== undefined && { promptName: prompt }) };
              if (task === "query") return dense.encodeQuery(texts, options);
              return task === "document"
                ? dense.encodeDocument(texts, options)
                : dense.encode(texts, options);
            },
            limits,
            metrics.eventsOf("dense"),
          ),
    isReady: () => !ending.signal.aborted,
    end: () => ending.abort(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([collection[Symbol.asyncDispose](), reranker?.close()]);
    },
  };
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
