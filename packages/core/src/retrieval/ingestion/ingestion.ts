import { Deadline } from "../../calls/index.ts";
import { invalidArgument, received, SparseEncoderError, type SparseEncoderErrorCode } from "../../errors.ts";
import { checkOptionNames, positiveInteger } from "../../options/index.ts";
import type { Metadata, Store, StoredDocument } from "../../stores/index.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { Arm, VectorSource } from "../arm.ts";
import type { RetrievalEvent } from "../retrieval-event.ts";
import { checkSignal } from "../retrieve-call.ts";
import type { TextVector } from "../text-embedder.ts";

/** A document to add. */
export interface NewDocument {
  /** Well-formed, 1 to 1,024 UTF-16 code units. A document that has the id is replaced. */
  readonly id: string;
  readonly text: string;
  /** A JSON object. Default `{}`. */
  readonly metadata?: Metadata | undefined;
  /** What is encoded in place of the text, such as the text with its title before it. Default: the text. */
  readonly encodedText?: string | undefined;
  /**
   * Vectors that are at hand, by their name in the store: they are stored as they are, and their encoder does not see the
   * document. A dense one of zeros, which is near to nothing, is left out.
   */
  readonly vectors?: Readonly<Record<string, SparseVector | Float32Array>> | undefined;
}

/** How far a call of `add` has come. */
export interface AddProgress {
  /** Documents of the source that are stored, those skipped included. */
  readonly done: number;
  /** Documents of the source; undefined for one that is no array. */
  readonly total: number | undefined;
}

/** Options of `add`. */
export interface AddOptions {
  /** Documents that are encoded and stored together. Default 512. */
  readonly batchSize?: number;
  /** Documents at the start of the source to pass over, such as those that an earlier call stored. Default 0. */
  readonly skip?: number;
  /** Ends the call with an `ABORTED` error. What was stored by then stays. */
  readonly signal?: AbortSignal;
  /** Called after each batch is stored. An error it throws fails the call. */
  readonly onProgress?: (progress: AddProgress) => void;
}

/** Documents to add: all at hand, or as they come. */
export type DocumentSource = Iterable<NewDocument> | AsyncIterable<NewDocument>;

/** An `add` that failed. Its code and cause are those of the failure below. */
export class IngestionError extends SparseEncoderError {
  /** Documents from the start of the source that are stored for certain; a call with `skip` of this number goes on. */
  readonly stored: number;

  constructor(code: SparseEncoderErrorCode, message: string, stored: number, cause: unknown) {
    super(code, message, { cause });
    this.stored = stored;
  }
}

const maximumIdLength = 1024;

interface Encoded {
  readonly documents: readonly NewDocument[];
  readonly upserts: ReadonlyMap<Store, StoredDocument[]>;
  readonly milliseconds: number;
}

/**
 * Encodes and stores documents batch by batch: while one batch is being stored and the next is being encoded, the one after
 * that is read and handed to the encoders, so that these never wait. No more than three batches are in memory, and the source
 * is read no faster than the stores take.
 *
 * @returns how many were stored
 */
export async function ingest(
  arms: readonly Arm[],
  source: DocumentSource,
  options: AddOptions,
  onEvent: (event: RetrievalEvent) => void,
): Promise<number> {
  const { batchSize, skip } = checkAddOptions(options);
  const { signal, onProgress } = options;
  const sources = arms.flatMap((arm) => arm.source ?? []);
  if (sources.length === 0) {
    throw invalidArgument(
      "add: no arm of this retriever has a store; give one to an arm with an encoder or embed.",
    );
  }
  const total = Array.isArray(source) ? source.length : undefined;
  const names = new Set(sources.map(({ vector }) => vector));
  if (Array.isArray(source)) checkDocuments(source.slice(skip), skip, names);
  let stored = skip;
  using deadline = new Deadline(signal, undefined, "add");
  const store = async ({ documents, upserts, milliseconds }: Encoded) => {
    const started = performance.now();
    await Promise.all(
      Array.from(upserts, ([target, batch]) =>
        deadline
          .race((inner) => target.upsert(batch, { signal: inner }))
          .catch((cause) => {
            throw failure(cause, "STORE_FAILED", `The store ${target.name} failed`);
          }),
      ),
    );
    stored += documents.length;
    const upsertMilliseconds = performance.now() - started;
    onEvent({
      type: "batch",
      documents: documents.length,
      stored,
      encodeMilliseconds: milliseconds,
      upsertMilliseconds,
    });
    onProgress?.({ done: stored, total });
  };
  let storing: Promise<void> = Promise.resolve();
  /** The batch behind the one that is being stored. */
  let waiting: Promise<Encoded> | undefined;
  const storeWhenEncoded = async (encoding: Promise<Encoded>) => {
    try {
      const encoded = await encoding;
      await storing;
      storing = store(encoded);
      // It is waited for above or below; until then its failure has been seen to.
      storing.catch((error) => deadline.end(error));
    } catch (error) {
      // What comes behind a batch that failed must not be stored.
      waiting = undefined;
      throw error;
    }
  };
  try {
    try {
      for await (const documents of batchesOf(source, batchSize, skip, names, deadline)) {
        const encoding = encode(sources, documents, deadline);
        // Looked at when it is its turn.
        encoding.catch(() => {});
        const before = waiting;
        waiting = encoding;
        if (before !== undefined) await storeWhenEncoded(before);
      }
    } finally {
      // If the source failed, what it gave before is stored and counts.
      if (waiting !== undefined) await storeWhenEncoded(waiting);
      await storing;
    }
    return stored - skip;
  } catch (cause) {
    deadline.end(cause);
    // All else is wrapped where it happens: this one was thrown by a callback.
    if (!SparseEncoderError.is(cause)) throw cause;
    throw new IngestionError(
      cause.code,
      `add: ${cause.message} The first ${stored} documents of the source are stored; add all again, or go on with the option skip: ${stored}.`,
      stored,
      cause.cause ?? cause,
    );
  }
}

function checkAddOptions(options: AddOptions): { batchSize: number; skip: number } {
  checkOptionNames("add", options, ["batchSize", "skip", "signal", "onProgress"]);
  const { batchSize = 512, skip = 0, signal, onProgress } = options;
  positiveInteger("batchSize", batchSize);
  if (!Number.isSafeInteger(skip) || skip < 0) {
    throw invalidArgument(`skip must be a whole number of at least 0, received ${received(skip)}.`);
  }
  checkSignal(signal);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalidArgument(`onProgress must be a function, received ${received(onProgress)}.`);
  }
  return { batchSize, skip };
}

/** Reads the source by hand: `for await` would wait for a source that hangs, whatever the signal says. */
async function* batchesOf(
  source: DocumentSource,
  size: number,
  skip: number,
  names: ReadonlySet<string>,
  deadline: Deadline,
): AsyncGenerator<NewDocument[]> {
  const iterator = iteratorOf(source);
  let position = 0;
  let ended = false;
  let batch: NewDocument[] = [];
  try {
    for (;;) {
      const { done, value } = await deadline
        .race(() => iterator.next())
        .catch((cause) => {
          throw failure(cause, "INVALID_ARGUMENT", "The source of documents failed");
        });
      ended = done === true;
      if (!ended && position++ >= skip) batch.push(value);
      if (batch.length === size || (ended && batch.length > 0)) {
        checkDocuments(batch, position - batch.length, names);
        yield batch;
        batch = [];
      }
      if (ended) return;
    }
  } finally {
    // Not waited for: a source that hangs does so here too.
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

function iteratorOf(source: unknown): Iterator<NewDocument> | AsyncIterator<NewDocument> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return (source as AsyncIterable<NewDocument>)[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return (source as Iterable<NewDocument>)[Symbol.iterator]();
  }
  throw invalidArgument(
    `add: expected an array or another iterable of documents, received ${received(source)}.`,
  );
}

/** @param first place of the first one in the source, for messages */
function checkDocuments(documents: readonly unknown[], first: number, names: ReadonlySet<string>): void {
  const places = new Map<string, number>();
  for (const [offset, document] of documents.entries()) {
    const place = first + offset;
    const { id, text, metadata, encodedText, vectors } = (document ?? {}) as Record<string, unknown>;
    if (typeof id !== "string" || id === "" || id.length > maximumIdLength || !id.isWellFormed()) {
      throw invalidDocument(
        `the id of document ${place} must be a well-formed string of 1 to ${maximumIdLength} characters, received ${received(id)}`,
      );
    }
    if (typeof text !== "string") {
      throw invalidDocument(
        `the text of document ${place} (${received(id)}) must be a string, received ${received(text)}`,
      );
    }
    if (
      metadata !== undefined &&
      (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    ) {
      throw invalidDocument(
        `the metadata of document ${place} (${received(id)}) must be an object, received ${received(metadata)}`,
      );
    }
    if (encodedText !== undefined && typeof encodedText !== "string") {
      throw invalidDocument(
        `encodedText of document ${place} (${received(id)}) must be a string, received ${received(encodedText)}`,
      );
    }
    checkGivenVectors(`document ${place} (${received(id)})`, vectors, names);
    const other = places.get(id);
    if (other !== undefined) {
      throw invalidDocument(`documents ${other} and ${place} have the same id, ${received(id)}`);
    }
    places.set(id, place);
  }
}

/** The vectors themselves are looked into by the stores. */
function checkGivenVectors(document: string, vectors: unknown, names: ReadonlySet<string>): void {
  if (vectors === undefined) return;
  if (typeof vectors !== "object" || vectors === null || Array.isArray(vectors)) {
    throw invalidDocument(`the vectors of ${document} must be an object, received ${received(vectors)}`);
  }
  const unknown = Object.keys(vectors).find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw invalidDocument(
      `${document} has a vector ${received(unknown)}, but those of this retriever are ${[...names].join(", ")}`,
    );
  }
}

function invalidDocument(problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_DOCUMENT", `${problem[0]!.toUpperCase()}${problem.slice(1)}.`);
}

/** Vectors of a batch from each encoder, once each, put together by store. */
async function encode(
  sources: readonly VectorSource[],
  documents: readonly NewDocument[],
  deadline: Deadline,
): Promise<Encoded> {
  const started = performance.now();
  const byEncoder = new Map<object, Promise<ReadonlyMap<NewDocument, TextVector>>>();
  for (const { embedder, vector } of sources) {
    if (byEncoder.has(embedder.identity)) continue;
    const names = sources.filter((one) => one.embedder.identity === embedder.identity);
    const lacking = documents.filter((document) => names.some((one) => !has(document, one.vector)));
    const texts = lacking.map(({ text, encodedText }) => encodedText ?? text);
    const vectors = deadline
      .race(async (signal) => (texts.length === 0 ? [] : embedder.embed("document", texts, signal)))
      .then((rows) => new Map(lacking.map((document, row) => [document, rows[row]])))
      .catch((cause) => {
        throw failure(cause, "ARM_FAILED", `The encoder of the vectors ${received(vector)} failed`);
      });
    byEncoder.set(embedder.identity, vectors);
  }
  await Promise.all(byEncoder.values());
  const upserts = new Map<Store, StoredDocument[]>();
  for (const store of new Set(sources.map((one) => one.store))) {
    const columns = await Promise.all(
      sources
        .filter((one) => one.store === store)
        .map(async ({ vector, embedder }) => [vector, await byEncoder.get(embedder.identity)!] as const),
    );
    const batch = documents.map((document) => {
      const { id, text, metadata = {} } = document;
      const vectors = columns.flatMap(([name, encoded]) => {
        const vector = has(document, name) ? nearToAny(document.vectors![name]!) : encoded.get(document);
        return vector === undefined ? [] : [[name, vector] as const];
      });
      return { id, text, metadata, vectors: Object.fromEntries(vectors) };
    });
    upserts.set(store, batch);
  }
  return { documents, upserts, milliseconds: performance.now() - started };
}

function has({ vectors }: NewDocument, name: string): boolean {
  return vectors !== undefined && Object.hasOwn(vectors, name);
}

/** A given vector, as an encoder's would be: none for a dense one of zeros. */
function nearToAny(vector: SparseVector | Float32Array): TextVector {
  return vector instanceof Float32Array && vector.every((value) => value === 0) ? undefined : vector;
}

/** An error of this library as it is; another one wrapped. */
function failure(cause: unknown, code: SparseEncoderErrorCode, what: string): SparseEncoderError {
  if (SparseEncoderError.is(cause)) return cause;
  const message = cause instanceof Error ? cause.message : received(cause);
  return new SparseEncoderError(code, `${what}: ${message}.`, { cause });
}
