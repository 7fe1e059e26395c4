import {
  HybridRetriever,
  MemoryStore,
  type NewDocument,
  type SparseEncoder,
  type SparseVector,
  type StoredDocument,
} from "@sparse-encoder/core";
import type { Collection, CollectionCopy } from "../collection/collection.ts";
import { encodedText } from "../collection/store-documents.ts";
import { usageError } from "../command-error.ts";
import { embeddedModel } from "../models/embedded-model.ts";
import type { ModelOptions } from "../models/model-options.ts";
import { openSparseEncoder } from "../models/open-encoder.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { sparseBatcher } from "./encoder-batchers.ts";
import type { ServerLimits } from "./guards/server-limits.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import type { TextBatcher } from "./text-batcher.ts";

/** Documents that are encoded together when a model takes up an index. */
const documentsAtOnce = 512;

/** A further model over the documents of an index, whose vectors are in memory. */
export class ComparedModel implements CollectionCopy, AsyncDisposable {
  readonly name: string;
  readonly encoder: SparseEncoder;
  readonly store = new MemoryStore();
  readonly texts: TextBatcher<SparseVector>;
  private readonly retriever: HybridRetriever;

  private constructor(name: string, encoder: SparseEncoder, texts: TextBatcher<SparseVector>) {
    this.name = name;
    this.encoder = encoder;
    this.texts = texts;
    this.retriever = new HybridRetriever({ arms: { sparse: { encoder, store: this.store } } });
  }

  /** Loads a model and encodes the documents of an index with it; from then on it takes part in all changes of the index. */
  static async open(
    name: string,
    collection: Collection,
    options: ModelOptions,
    { limits, metrics }: { readonly limits: ServerLimits; readonly metrics: ServerMetrics },
    signal: AbortSignal,
  ): Promise<ComparedModel> {
    const model = name === embeddedModel ? undefined : name;
    const encoder = await openSparseEncoder({ ...options, model, revision: undefined }, signal);
    const compared = new ComparedModel(name, encoder, sparseBatcher(encoder, name, limits, metrics));
    try {
      await compared.fill(collection, signal);
    } catch (error) {
      await compared[Symbol.asyncDispose]();
      throw error;
    }
    collection.copies.push(compared);
    return compared;
  }

  async add(documents: readonly NewDocument[], signal: AbortSignal): Promise<void> {
    await this.retriever.add(documents, { signal });
  }

  async delete(ids: readonly string[]): Promise<void> {
    await this.store.delete({ ids });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.store.close(), this.encoder.close()]);
  }

  private async fill({ store }: Collection, signal: AbortSignal): Promise<void> {
    using line = new ProgressLine();
    const total = await store.count();
    let done = 0;
    let batch: NewDocument[] = [];
    const flush = async () => {
      await this.add(batch, signal);
      done += batch.length;
      batch = [];
      line.count(`Encoding with ${this.name}`, done, total, "documents");
    };
    for await (const document of store.iterate({ signal })) {
      batch.push(newDocument(document));
      if (batch.length === documentsAtOnce) await flush();
    }
    if (batch.length > 0) await flush();
  }
}

function newDocument(document: StoredDocument): NewDocument {
  const { id, text, metadata } = document;
  return { id, text, metadata, encodedText: encodedText(document) };
}

/**
 * Checks the names of models that are compared.
 * @throws CommandError for a name that comes twice, or is the name of the first model
 */
export function checkComparedNames(first: string, names: readonly string[]): void {
  const twice = names.find((name, place) => name === first || names.indexOf(name) !== place);
  if (twice === undefined) return;
  throw usageError(
    `--compare ${twice} names a model that is there already. Name other models; settings of one model are compared without --compare.`,
  );
}
