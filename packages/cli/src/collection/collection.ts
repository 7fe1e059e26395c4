import { mkdir, readdir } from "node:fs/promises";
import {
  Bm25Encoder,
  type DenseEncoder,
  HybridRetriever,
  MemoryStore,
  type NewDocument,
  type SparseEncoder,
  SparseEncoderError,
} from "@sparse-encoder/core";
import { CommandError } from "../command-error.ts";
import { embeddedModel } from "../models/embedded-model.ts";
import type { ModelOptions } from "../models/model-options.ts";
import { openDenseEncoder, openSparseEncoder } from "../models/open-encoder.ts";
import { type ArmName, armNames } from "./arms.ts";
import {
  emptyDescription,
  type IndexDescription,
  type IndexModels,
  indexPaths,
  readDescription,
  writeDescription,
} from "./index-description.ts";

/** Keeps the documents of an index a second time, such as with the vectors of another model. */
export interface CollectionCopy {
  add(documents: readonly NewDocument[], signal: AbortSignal): Promise<void>;
  delete(ids: readonly string[]): Promise<void>;
}

/** An index in a folder, with the encoders that it was made with. */
export class Collection implements AsyncDisposable {
  /** Undefined for an index in memory. */
  readonly folder: string | undefined;
  readonly encoder: SparseEncoder;
  readonly dense: DenseEncoder | undefined;
  readonly store: MemoryStore;
  keyword: Bm25Encoder;
  retriever: HybridRetriever;
  description: IndexDescription;
  /** What takes part in all changes of documents. */
  readonly copies: CollectionCopy[] = [];
  private changes: Promise<unknown> = Promise.resolve();

  private constructor(
    folder: string | undefined,
    description: IndexDescription,
    encoders: { encoder: SparseEncoder; dense: DenseEncoder | undefined; keyword: Bm25Encoder },
    store: MemoryStore,
  ) {
    this.folder = folder;
    this.description = description;
    this.encoder = encoders.encoder;
    this.dense = encoders.dense;
    this.keyword = encoders.keyword;
    this.store = store;
    this.retriever = this.createRetriever();
  }

  /** Takes other keyword statistics; vectors that use them must be stored after this. */
  async useKeywords(keyword: Bm25Encoder): Promise<void> {
    this.keyword = keyword;
    this.retriever = this.createRetriever();
    await this.saveKeywords();
  }

  /** Keeps the keyword statistics as they are now. */
  async saveKeywords(): Promise<void> {
    if (this.folder !== undefined) await this.keyword.save(indexPaths(this.folder).keyword);
  }

  /** Stores documents with the vectors of all arms. */
  async add(documents: readonly NewDocument[], signal: AbortSignal): Promise<void> {
    await this.retriever.add(documents, { signal });
    for (const copy of this.copies) await copy.add(documents, signal);
  }

  /** Deletes documents; gives how many there were. */
  async delete(ids: readonly string[]): Promise<number> {
    const deleted = await this.store.delete({ ids });
    for (const copy of this.copies) await copy.delete(ids);
    return deleted;
  }

  /** Changes the description, and keeps it. */
  async describe(changes: Partial<IndexDescription>): Promise<void> {
    this.description = { ...this.description, ...changes };
    if (this.folder !== undefined) await writeDescription(this.folder, this.description);
  }

  /** Runs changes of the index one after another. One whose signal aborts while it waits is never begun. */
  exclusively<Result>(signal: AbortSignal, change: () => Promise<Result>): Promise<Result> {
    let hasBegun = false;
    const running = this.changes.then(() => {
      signal.throwIfAborted();
      hasBegun = true;
      return change();
    });
    this.changes = running.catch(() => {});
    return new Promise((resolve, reject) => {
      running.then(resolve, reject);
      const leave = () => {
        if (!hasBegun) reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  private createRetriever(): HybridRetriever {
    const { encoder, keyword, dense, store } = this;
    return new HybridRetriever({
      arms: {
        sparse: { encoder, store },
        keyword: { encoder: keyword, store },
        ...(dense !== undefined && { dense: { encoder: dense, store } }),
      },
    });
  }

  /**
   * Opens an index.
   * @param use `read` takes no lock, so that it goes beside a process that writes; `write` makes an index where there is none
   * @throws CommandError if there is none, or it was made with other models than `options` name
   */
  static async open(
    folder: string,
    options: CollectionOptions,
    signal: AbortSignal,
    use: "read" | "write",
  ): Promise<Collection> {
    const there = await readDescription(folder);
    if (there === undefined && use === "read") {
      throw new CommandError(
        `There is no index in ${folder}; make one with: sparse-encoder index <folder> --index ${folder}`,
      );
    }
    if (there === undefined) await checkEmpty(folder);
    const description = there ?? emptyDescription(modelsOf(options));
    checkModels(folder, description.models, options);
    return openParts(description.models, options, signal, async (encoders) => {
      if (use === "write") await mkdir(folder, { recursive: true });
      const paths = indexPaths(folder);
      const store = await MemoryStore.open(paths.store, {
        model: modelName(description.models),
        readOnly: use === "read",
      });
      try {
        const keyword = await openKeyword(paths.keyword, use);
        // Statistics that cannot be read are made again by the next change.
        const state = keyword.isStale ? "writing" : description.state;
        return new Collection(
          folder,
          { ...description, state },
          { ...encoders, keyword: keyword.encoder },
          store,
        );
      } catch (error) {
        await store.close();
        throw error;
      }
    });
  }

  /** An empty index in memory. */
  static create(options: CollectionOptions, signal: AbortSignal): Promise<Collection> {
    const description = emptyDescription(modelsOf(options));
    return openParts(description.models, options, signal, async (encoders) => {
      const keyword = new Bm25Encoder();
      await keyword.fit([]);
      return new Collection(undefined, description, { ...encoders, keyword }, new MemoryStore());
    });
  }

  /** The arms that this index has. */
  get arms(): readonly ArmName[] {
    return this.dense === undefined ? ["sparse", "keyword"] : armNames;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await Promise.all([this.encoder.close(), this.dense?.close()]);
  }
}

/** Options of the models of an index. */
export interface CollectionOptions extends ModelOptions {
  /** Model of dense vectors. */
  readonly dense?: string | undefined;
}

function modelsOf({ model, revision, dtype, maxActiveDims, dense }: CollectionOptions): IndexModels {
  return {
    model: model ?? null,
    revision: revision ?? null,
    dtype: dtype ?? "fp32",
    maxActiveDims: maxActiveDims ?? null,
    dense: dense ?? null,
  };
}

/** What is given must be what the index was made with; what is not given is taken from it. */
function checkModels(folder: string, models: IndexModels, options: CollectionOptions): void {
  for (const name of ["model", "revision", "dtype", "maxActiveDims", "dense"] as const) {
    const given = options[name];
    if (given === undefined || given === models[name]) continue;
    throw new CommandError(
      `The index in ${folder} was made with ${name} ${JSON.stringify(models[name])}, not ${JSON.stringify(given)}: ` +
        "vectors of different models do not go together. Leave the option out, or name another folder with --index.",
    );
  }
}

/** Name of the models for the store, which refuses others. */
function modelName({ model, revision, dtype, maxActiveDims, dense }: IndexModels): string {
  return JSON.stringify([model ?? embeddedModel, revision, dtype, maxActiveDims, dense]);
}

/** A folder of something else must not be written into. */
async function checkEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  if (entries.length > 0) {
    throw new CommandError(`${folder} holds other files; name an empty or a new folder with --index.`);
  }
}

/** The encoders of an index. */
interface Encoders {
  readonly encoder: SparseEncoder;
  readonly dense: DenseEncoder | undefined;
}

/** Opens the encoders; they are closed again if `finish` fails. */
async function openParts(
  models: IndexModels,
  options: CollectionOptions,
  signal: AbortSignal,
  finish: (encoders: Encoders) => Promise<Collection>,
): Promise<Collection> {
  const settings: ModelOptions = {
    ...options,
    model: models.model ?? undefined,
    revision: models.revision ?? undefined,
    dtype: models.dtype,
    maxActiveDims: models.maxActiveDims ?? undefined,
  };
  const encoder = await openSparseEncoder(settings, signal);
  let dense: DenseEncoder | undefined;
  try {
    if (models.dense !== null) {
      dense = await openDenseEncoder(models.dense, { ...settings, revision: undefined }, signal);
    }
    return await finish({ encoder, dense });
  } catch (error) {
    await Promise.all([encoder.close(), dense?.close()]);
    throw error;
  }
}

/**
 * The keyword statistics of an index. Those of another version, or broken ones, are stale, where they can be made again.
 * @throws SparseEncoderError for stale ones of an index that is only read
 */
async function openKeyword(
  file: string,
  use: "read" | "write",
): Promise<{ readonly encoder: Bm25Encoder; readonly isStale: boolean }> {
  let isStale = false;
  try {
    return { encoder: await Bm25Encoder.load(file), isStale };
  } catch (error) {
    const isMissing = SparseEncoderError.is(error, "MODEL_NOT_FOUND");
    isStale =
      SparseEncoderError.is(error, "MODEL_UNSUPPORTED") || SparseEncoderError.is(error, "MODEL_INVALID");
    if (!isMissing && (!isStale || use === "read")) throw error;
  }
  const encoder = new Bm25Encoder();
  await encoder.fit([]);
  return { encoder, isStale };
}
