import { received, SparseEncoderError } from "../../errors.ts";
import { checkMetadata, checkVectors, isName, type Metadata, nameRule } from "../../stores/index.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { VectorSource } from "../arms/arm.ts";

/** A document to add. */
export interface NewDocument {
  /** Well-formed, 1 to 1,024 UTF-16 code units. A document that has the id is replaced. */
  readonly id: string;
  /** What is encoded, and given back by searches. */
  readonly text: string;
  /** A JSON object. Default `{}`. */
  readonly metadata?: Metadata | undefined;
  /** What is encoded in place of the text, such as the text with its title before it. Default: the text. */
  readonly encodedText?: string | undefined;
  /**
   * Vectors that are at hand, by their name in the store. They are stored as they are, and their encoder does not see the
   * document. A dense vector of zeros, which has no direction, is left out.
   */
  readonly vectors?: Readonly<Record<string, SparseVector | Float32Array>> | undefined;
}

/** Documents to add: all at hand, or as they come. */
export type DocumentSource = Iterable<NewDocument> | AsyncIterable<NewDocument>;

/** Kind and width of the vectors of one name, and whose they are. */
interface KnownWidth {
  readonly kind: "sparse" | "dense";
  readonly width: number;
  /** For messages, such as `the memory store has`. */
  readonly owner: string;
  /** Error code of a vector that differs. */
  readonly code: "STORE_MISMATCH" | "INVALID_VECTOR";
}

/**
 * Checks documents before any of them is encoded: all that can be told without asking a store.
 * @param first position of the first document in the source, for messages
 * @param sources the vectors of the retriever
 * @throws SparseEncoderError `INVALID_DOCUMENT`, `INVALID_VECTOR`, `STORE_MISMATCH`
 */
export function checkNewDocuments(
  documents: readonly unknown[],
  first: number,
  sources: readonly VectorSource[],
): void {
  const names = new Set(sources.map(({ vector }) => vector));
  const widths = storedWidths(sources);
  const positions = new Map<string, number>();
  for (const [offset, document] of documents.entries()) {
    const position = first + offset;
    const { id, vectors } = checkNewDocument(document, position, names);
    const other = positions.get(id);
    if (other !== undefined) {
      throw invalidDocument(`documents ${other} and ${position} have the same id, ${received(id)}`);
    }
    positions.set(id, position);
    for (const [name, vector] of Object.entries(vectors ?? {})) checkWidth(name, vector, position, widths);
  }
}

/** What LangChain and other libraries call the text of a document. */
const namesOfText = ["pageContent", "page_content", "content", "document", "body"];

function checkNewDocument(document: unknown, position: number, names: ReadonlySet<string>): NewDocument {
  if (document !== undefined && document !== null && typeof document !== "object") {
    throw invalidDocument(
      `document ${position} must be an object such as { id, text }, received ${received(document)}`,
    );
  }
  const { id, text, metadata, encodedText, vectors } = (document ?? {}) as Record<string, unknown>;
  if (!isName(id)) throw invalidDocument(nameRule(`the id of document ${position}`, id));
  const place = `document ${position} (${received(id)})`;
  if (typeof text !== "string") {
    const elsewhere = namesOfText.find(
      (name) => typeof (document as Record<string, unknown>)[name] === "string",
    );
    const hint = elsewhere === undefined || text !== undefined ? "" : `; its ${elsewhere} belongs into text`;
    throw invalidDocument(`the text of ${place} must be a string, received ${received(text)}${hint}`);
  }
  if (metadata !== undefined) {
    if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
      throw invalidDocument(`the metadata of ${place} must be an object, received ${received(metadata)}`);
    }
    checkMetadata(place, metadata);
  }
  if (encodedText !== undefined && typeof encodedText !== "string") {
    throw invalidDocument(`encodedText of ${place} must be a string, received ${received(encodedText)}`);
  }
  checkGivenVectors(place, vectors, names);
  return document as NewDocument;
}

function checkGivenVectors(place: string, vectors: unknown, names: ReadonlySet<string>): void {
  if (vectors === undefined) return;
  if (typeof vectors !== "object" || vectors === null || Array.isArray(vectors)) {
    throw invalidDocument(`the vectors of ${place} must be an object, received ${received(vectors)}`);
  }
  const unknown = Object.keys(vectors).find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw invalidDocument(
      `${place} has a vector ${received(unknown)}, but the vectors of this retriever are ${[...names].join(", ")}`,
    );
  }
  checkVectors(place, vectors);
}

/** What the stores know of their vectors. */
function storedWidths(sources: readonly VectorSource[]): Map<string, KnownWidth> {
  const widths = new Map<string, KnownWidth>();
  for (const { store, vector } of sources) {
    const field = store.vectors?.[vector];
    if (field === undefined || widths.has(vector)) continue;
    const { kind, dimension: width } = field;
    widths.set(vector, { kind, width, owner: `the ${store.name} store has`, code: "STORE_MISMATCH" });
  }
  return widths;
}

/** Vectors of one name are alike: a store would refuse the second of two widths, after the first was stored. */
function checkWidth(
  name: string,
  vector: SparseVector | Float32Array,
  position: number,
  widths: Map<string, KnownWidth>,
): void {
  const isDense = vector instanceof Float32Array;
  const kind = isDense ? "dense" : "sparse";
  const width = isDense ? vector.length : vector.dimension;
  const known = widths.get(name);
  if (known === undefined) {
    widths.set(name, { kind, width, owner: `document ${position} has`, code: "INVALID_VECTOR" });
    return;
  }
  if (known.kind === kind && known.width === width) return;
  throw new SparseEncoderError(
    known.code,
    `The vector ${received(name)} of document ${position} is ${kind} with ${width} dims, but ${known.owner} ${known.kind} vectors of this name with ${known.width}.`,
  );
}

function invalidDocument(problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_DOCUMENT", `${problem[0]!.toUpperCase()}${problem.slice(1)}.`);
}
