import { throwIfAborted } from "../../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import { checkModel, checkModelOption } from "../../index/index.ts";
import { checkOptionNames, positiveInteger } from "../../options/index.ts";
import { SparseVector } from "../../vector/index.ts";
import { type Filter, filterOperators } from "../filter.ts";
import { parseFilter } from "../filter-node.ts";
import type {
  DeleteTarget,
  Store,
  StoreCallOptions,
  StoreCapabilities,
  StoredDocument,
  StoreHit,
  StoreSearchOptions,
  VectorSchema,
} from "../store.ts";
import {
  checkDeleteTarget,
  checkDense,
  checkDocuments,
  checkKnownIds,
  checkSearch,
  isName,
  isSparse,
  nameRule,
} from "../store-arguments.ts";
import {
  checkDirection,
  checkSchema,
  describeField,
  type ResolvedField,
  sameField,
} from "../vector-fields.ts";
import { Collection } from "./collection.ts";
import {
  type CapturedCollection,
  type CollectionDescription,
  captureCollection,
  collectionSections,
  describeCollection,
  readCollection,
} from "./collection-snapshot.ts";
import { decodeOperation, encodeOperation, type Operation } from "./operation.ts";
import { SnapshotSchedule } from "./snapshot-schedule.ts";
import { type SnapshotSource, StoreFolder } from "./store-folder.ts";
import { type EncodedOperation, WriteQueue } from "./write-queue.ts";

/** Options of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Kind, dimension and metric of the vectors by name; other names are then refused, for as long as the store is open.
   * Without it, the first document that
   * has a name says what the vectors of that name are, and dense ones are compared by cosine.
   */
  readonly vectors?: VectorSchema | undefined;
}

/** Options of {@link MemoryStore.open}. */
export interface DurableStoreOptions extends MemoryStoreOptions {
  /**
   * A name of the model or models of the vectors, kept with them: opening the folder for another one is refused, so that
   * vectors of different models never meet.
   */
  readonly model?: string | undefined;
  /**
   * Bytes of the journal from which on a new snapshot is written in the background. Default: 64 MiB, or the size of the
   * last snapshot up to 512 MiB, whichever is more.
   */
  readonly journalBytes?: number | undefined;
}

/** Documents that `iterate` fetches at once at most, unless its caller wants more. */
const largestBatch = 1 << 16;

/** What the snapshot of a store says beside its vectors. */
interface StoreDescription {
  readonly model: string | null;
  readonly collection: CollectionDescription;
}

/**
 * Documents with sparse and dense vectors in the memory of this process, searched exactly: sparse ones with one
 * `InvertedIndex` a name, dense ones by comparing with each.
 *
 * `new MemoryStore()` forgets everything when the process ends. `MemoryStore.open(folder)` keeps it on disk: an upsert or
 * delete that resolved survives a crash of the process or the machine. Calls that are made at once share one flush of the
 * disk. A folder has one writer at a time.
 *
 * Texts and metadata of found documents are frozen, not copied.
 *
 * @example
 * await using store = await MemoryStore.open("./index", { model: "naver/splade-v3" });
 * await store.upsert([{ id: "a", text: "…", metadata: { year: 2024 }, vectors: { sparse: vector } }]);
 * await store.searchSparse("sparse", query, { k: 5, filter: { year: { $gte: 2020 } } });
 */
export class MemoryStore implements Store {
  readonly name = "memory";
  readonly capabilities: StoreCapabilities;
  private collection: Collection;
  private folder: StoreFolder | undefined;
  private schedule: SnapshotSchedule | undefined;
  private readonly model: string | null;
  private readonly writes: WriteQueue;
  private closing: Promise<void> | undefined;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: MemoryStoreOptions = {}, /** @internal */ durable?: ResolvedDurability) {
    let declared = durable?.declared;
    if (durable === undefined) {
      checkOptionNames("MemoryStore", options, ["vectors"]);
      declared = options.vectors === undefined ? undefined : checkSchema("MemoryStore", options.vectors);
    }
    this.model = durable?.model ?? null;
    this.collection = new Collection(declared ?? new Map());
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: new Set(filterOperators),
      exact: true,
      durable: durable !== undefined,
    };
    this.writes = new WriteQueue({
      fields: () => this.collection.fields,
      declared: declared !== undefined,
      idsOf: (node) => this.collection.ids(node),
      encode: (operation) => this.encode(operation),
      store: async (operations) => this.folder?.append(operations.map(({ record }) => record!)),
      apply: (operation) => this.collection.apply(operation),
      afterBatch: () => this.schedule?.startIfDue(),
    });
  }

  /**
   * Opens a store that is kept in a folder; an empty or missing folder gives an empty store. Postings and vectors are read
   * as they lie in memory, so this takes a fraction of the time of adding the documents.
   *
   * @throws SparseEncoderError `STORE_LOCKED` if a live process has the folder open; `STORE_CORRUPT` if a file is cut or
   * changed; `STORE_MISMATCH` for another model, other kinds or dimensions of vectors, or a newer format; `STORE_FAILED`
   */
  static async open(folder: string, options: DurableStoreOptions = {}): Promise<MemoryStore> {
    const call = "MemoryStore.open";
    checkOptionNames(call, options, ["vectors", "model", "journalBytes"]);
    if (typeof folder !== "string" || folder === "") {
      throw invalidArgument(`${call}: the folder must be a path, received ${received(folder)}.`);
    }
    checkModelOption(call, options.model);
    if (options.journalBytes !== undefined) positiveInteger(`${call}: journalBytes`, options.journalBytes);
    const declared = options.vectors === undefined ? undefined : checkSchema(call, options.vectors);
    let collection = new Collection(declared ?? new Map());
    let model = options.model ?? null;
    const opened = await StoreFolder.open(folder, {
      initial: () => toSource(model, captureCollection(collection)),
      restore: (snapshot, description) => {
        const stored = description as StoreDescription;
        checkModel(folder, stored.model, options.model);
        model = stored.model;
        collection = readCollection(snapshot, stored.collection);
      },
      replay: (record) => collection.apply(decodeOperation(record)),
    });
    try {
      const store = new MemoryStore({}, { declared, model });
      store.collection = collection;
      store.folder = opened;
      await store.adopt(folder, declared);
      store.schedule = new SnapshotSchedule(opened, options.journalBytes, () => store.writeSnapshot(opened));
      return store;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** Kind, dimension and metric of the vectors by name, as far as they are known. */
  get vectors(): VectorSchema {
    return Object.fromEntries(this.collection.fields);
  }

  async upsert(documents: readonly StoredDocument[], options: StoreCallOptions = {}): Promise<void> {
    const signal = this.begin("upsert", options, []);
    const checked = checkDocuments(documents);
    if (checked.length === 0) return;
    await this.writes.add(this.encode({ type: "upsert", documents: checked }), signal);
  }

  async delete(target: DeleteTarget, options: StoreCallOptions = {}): Promise<number> {
    const signal = this.begin("delete", options, []);
    const checked = checkDeleteTarget(target);
    if ("node" in checked) return this.writes.add({ deleteMatching: checked.node }, signal);
    if (checked.ids.length === 0) return 0;
    return this.writes.add(this.encode({ type: "delete", ids: checked.ids }), signal);
  }

  async get(ids: readonly string[], options: StoreCallOptions = {}): Promise<(StoredDocument | undefined)[]> {
    this.begin("get", options, []);
    return this.collection.get(checkKnownIds("get", ids));
  }

  async count(options: StoreCallOptions & { readonly filter?: Filter | undefined } = {}): Promise<number> {
    this.begin("count", options, ["filter"]);
    if (options.filter === undefined) return this.collection.documents.size;
    return this.collection.ids(parseFilter(options.filter)).length;
  }

  async *iterate(
    options: StoreCallOptions & {
      readonly after?: string | undefined;
      readonly filter?: Filter | undefined;
      readonly batchSize?: number | undefined;
    } = {},
  ): AsyncGenerator<StoredDocument, void, undefined> {
    const signal = this.begin("iterate", options, ["after", "filter", "batchSize"]);
    const { after = "", filter, batchSize = 500 } = options;
    positiveInteger("batchSize", batchSize);
    if (typeof after !== "string") {
      throw invalidArgument(`iterate: after must be an id, received ${received(after)}.`);
    }
    const node = filter === undefined ? undefined : parseFilter(filter);
    const passing = this.collection.ids(node);
    // Without a comparison function, strings are sorted by UTF-16 code units.
    const ids = (after === "" ? passing : passing.filter((id) => id > after)).sort();
    // A batch takes a pass over all postings, so that batches of one size would take quadratic time.
    let size = batchSize;
    for (let start = 0; start < ids.length; ) {
      this.begin("iterate", options, ["after", "filter", "batchSize"]);
      for (const document of this.collection.get(ids.slice(start, start + size))) {
        throwIfAborted(signal);
        if (document !== undefined) yield document;
      }
      start += size;
      size = Math.max(size, Math.min(2 * size, largestBatch));
    }
  }

  async searchSparse(
    vector: string,
    query: SparseVector,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    this.begin("searchSparse", options, ["k", "filter"]);
    checkVectorName("searchSparse", vector);
    if (!isSparse(query)) {
      throw invalidArgument(`searchSparse: expected a SparseVector, received ${received(query)}.`);
    }
    const { k, node } = checkSearch(options);
    const checked = new SparseVector(query.indices, query.values, query.dimension);
    return this.collection.searchSparse(vector, checked, k, node);
  }

  async searchDense(
    vector: string,
    query: Float32Array,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    this.begin("searchDense", options, ["k", "filter"]);
    checkVectorName("searchDense", vector);
    if (!(query instanceof Float32Array)) {
      throw invalidArgument(
        `searchDense: expected a Float32Array (Float32Array.from makes one of numbers), received ${received(query)}.`,
      );
    }
    const { k, node } = checkSearch(options);
    checkDense("searchDense: the query", query);
    const field = this.collection.fieldOf("searchDense", vector, "dense");
    if (query.length === field?.dimension && field.kind === "dense" && field.metric === "cosine") {
      checkDirection("searchDense: the query", query);
    }
    return this.collection.searchDense(vector, query, k, node);
  }

  /**
   * Writes a snapshot of a store that is kept in a folder now, and empties the journal. Otherwise this happens by itself
   * when the journal has grown long, and in `close`. Other calls go on meanwhile.
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a store in memory alone, `STORE_FAILED`; nothing is lost then
   */
  async snapshot(options: StoreCallOptions = {}): Promise<void> {
    this.begin("snapshot", options, []);
    const { schedule } = this;
    if (schedule === undefined) {
      throw new SparseEncoderError(
        "STORE_UNSUPPORTED",
        "snapshot: this store is in memory alone; MemoryStore.open makes one that is kept in a folder.",
      );
    }
    await schedule.run(() => this.begin("snapshot", options, []));
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What every call checks first. */
  private begin(call: string, options: StoreCallOptions, names: readonly string[]): AbortSignal | undefined {
    checkOptionNames(call, options, ["signal", ...names]);
    if (this.closing !== undefined) {
      throw new SparseEncoderError("CLOSED", `${call}: the store is closed; open it again.`);
    }
    throwIfAborted(options.signal);
    return options.signal;
  }

  private encode(operation: Operation): EncodedOperation {
    return { operation, record: this.folder === undefined ? undefined : encodeOperation(operation) };
  }

  /** Takes the option `vectors` up into what the folder says. */
  private async adopt(
    folder: string,
    declared: ReadonlyMap<string, ResolvedField> | undefined,
  ): Promise<void> {
    const added: [string, ResolvedField][] = [];
    for (const [name, field] of declared ?? []) {
      const stored = this.collection.fields.get(name);
      if (stored === undefined) {
        added.push([name, field]);
      } else if (!sameField(stored, field)) {
        throw new SparseEncoderError(
          "STORE_MISMATCH",
          `The vectors named ${received(name)} in ${folder} are ${describeField(stored)}, not ${describeField(field)} as the option vectors says.`,
        );
      }
    }
    if (added.length === 0) return;
    await this.writes.add(this.encode({ type: "fields", fields: added }), undefined);
  }

  private async writeSnapshot(folder: StoreFolder): Promise<void> {
    const captured = await this.writes.exclusively(() =>
      folder.rotate(() => captureCollection(this.collection)),
    );
    await folder.writeSnapshot(toSource(this.model, captured));
  }

  private async finish(): Promise<void> {
    await this.writes.drained();
    await this.schedule?.finish();
    await this.folder?.close();
    this.collection = new Collection(new Map());
  }
}

/** Options of {@link MemoryStore.open} after they were checked. */
interface ResolvedDurability {
  readonly declared: Map<string, ResolvedField> | undefined;
  readonly model: string | null;
}

function toSource(model: string | null, captured: CapturedCollection): SnapshotSource {
  const description: StoreDescription = { model, collection: describeCollection(captured) };
  return { description, sections: collectionSections(captured) };
}

function checkVectorName(call: string, name: unknown): void {
  if (!isName(name)) throw invalidArgument(`${call}: ${nameRule("the name of the vectors", name)}.`);
}
