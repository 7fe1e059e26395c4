import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { count, declareOptions, rule } from "../options/index.ts";
import type { HybridRetriever, NewDocument } from "../retrieval/index.ts";
import type { Filter } from "../stores/index.ts";

/** How documents are split while they are added. */
export interface SplitSettings {
  /** Most tokens of a piece, prompt and special tokens included. Default: the longest input of the model. */
  readonly maxTokens?: number | undefined;
  /** Most tokens at the start of a piece that repeat the end of the piece before. Default 0. */
  readonly overlap?: number | undefined;
}

const splitSettings = declareOptions<SplitSettings>()({
  maxTokens: count(),
  overlap: count({ minimum: 0 }),
});

/** The option `split`: true, false, or settings. */
export const splitRule = rule((value, name): SplitSettings | false => {
  if (value === true) return {};
  if (value === false) return false;
  if (typeof value === "object" && value !== null)
    return splitSettings.check(name, value, (option) => `${name}.${option}`);
  throw invalidArgument(
    `${name} must be true, or an object such as { maxTokens: 256, overlap: 32 }, received ${received(value)}.`,
  );
});

/** The field of a piece's metadata that leads back to its document. */
export const chunkField = "chunk";

/** Where a piece of a document is from. */
export interface ChunkPlace {
  /** Id of the document. */
  readonly document: string;
  /** Number of the piece, from 0, and how many there are. */
  readonly index: number;
  readonly count: number;
  /** Place of the piece in the text of the document, in UTF-16 units: `text.slice(start, end)`. */
  readonly start: number;
  readonly end: number;
}

/** A piece of a document, as it is to be stored. */
export interface DocumentChunk {
  readonly id: string;
  readonly text: string;
  readonly place: ChunkPlace;
}

/** What splitting needs of an encoder; encoders that read models have it. */
interface Splitting {
  readonly prompts?: Readonly<Record<string, string>>;
  splitText(
    text: string,
    options: SplitSettings & { readonly prompt: string; readonly signal: AbortSignal | undefined },
  ): Promise<readonly { readonly start: number; readonly end: number }[]>;
}

/** Splits documents into pieces that every encoder of a store takes whole. */
export class DocumentSplitter {
  private readonly encoders: readonly Splitting[];
  private readonly settings: SplitSettings;

  /**
   * @param call the function as the user called it
   * @param encoders of the store's arms; those without `splitText`, such as BM25, take texts of any length
   * @throws SparseEncoderError `INVALID_ARGUMENT` if none can split
   */
  constructor(call: string, encoders: readonly unknown[], settings: SplitSettings) {
    this.encoders = [...new Set(encoders)].filter(
      (encoder): encoder is Splitting => typeof (encoder as Splitting | undefined)?.splitText === "function",
    );
    this.settings = settings;
    if (this.encoders.length > 0) return;
    throw invalidArgument(
      `${call}: split needs an encoder that counts the tokens of a model, such as SparseEncoder or DenseEncoder; none of this store's does.`,
    );
  }

  /**
   * The pieces of a document: `id#0`, `id#1`, and so on, at least one.
   *
   * @param position of the document in the call, for messages
   * @param before what is encoded in front of each piece, such as metadata; it counts
   * @throws SparseEncoderError `INVALID_DOCUMENT`, `INVALID_ARGUMENT`, `ABORTED`
   */
  async split(
    { id, text }: Pick<NewDocument, "id" | "text">,
    position: number,
    signal: AbortSignal | undefined,
    before = "",
  ): Promise<DocumentChunk[]> {
    if (typeof id !== "string") throw invalid(`The id of document ${position} must be a string`, id);
    if (typeof text !== "string")
      throw invalid(`The text of document ${position} ('${id}') must be a string`, text);
    let places = [{ start: 0, end: text.length }];
    for (const encoder of this.encoders) {
      const prompt = (encoder.prompts?.document ?? "") + before;
      const finer: { start: number; end: number }[] = [];
      for (const { start, end } of places) {
        const pieces = await encoder.splitText(text.slice(start, end), { ...this.settings, prompt, signal });
        for (const piece of pieces) finer.push({ start: start + piece.start, end: start + piece.end });
      }
      // A blank text has no pieces.
      if (finer.length > 0) places = finer;
    }
    return places.map(({ start, end }, index) => ({
      id: `${id}#${index}`,
      text: text.slice(start, end),
      place: { document: id, index, count: places.length, start, end },
    }));
  }
}

/** Documents whose pieces are removed by one call of a store. */
const documentsPerDeletion = 100;

/**
 * Removes what documents were stored as before: the document itself, and pieces beyond the ones that it has now.
 * @param counts pieces of each document, by its id
 */
export async function removeOldChunks(
  retriever: HybridRetriever,
  counts: ReadonlyMap<string, number>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const documents = [...counts];
  for (let first = 0; first < documents.length; first += documentsPerDeletion) {
    const block = documents.slice(first, first + documentsPerDeletion);
    await retriever.delete({ ids: block.map(([id]) => id) }, { signal });
    const filters = block.map(
      ([id, pieces]): Filter => ({
        $and: [{ [`${chunkField}.document`]: id }, { [`${chunkField}.index`]: { $gte: pieces } }],
      }),
    );
    await retriever.delete({ filter: { $or: filters } }, { signal });
  }
}

/**
 * Metadata of a piece: the metadata of its document, and where the piece is from.
 * @throws SparseEncoderError `INVALID_DOCUMENT` for a document that has a field of that name
 */
export function chunkMetadata<Metadata extends object>(
  metadata: Metadata | undefined,
  place: ChunkPlace,
): Metadata & { [chunkField]: ChunkPlace } {
  const known = (metadata as Record<string, unknown> | undefined)?.[chunkField];
  // A piece that was read from a store and is added again.
  const isPlace = typeof known === "object" && known !== null && "document" in known && "index" in known;
  if (known !== undefined && !isPlace) {
    throw new SparseEncoderError(
      "INVALID_DOCUMENT",
      `The document '${place.document}' has metadata named ${chunkField}, a name that split needs; rename it.`,
    );
  }
  return { ...(metadata as Metadata), [chunkField]: place };
}

/** Says how to go on after a call that failed. */
export function goOnSplit(what: string): (stored: number) => string {
  return (stored) =>
    stored === 0
      ? `No ${what} is stored.`
      : `The first ${stored} pieces of the ${what}s are stored; add all again, which replaces these.`;
}

function invalid(problem: string, value: unknown): SparseEncoderError {
  return new SparseEncoderError("INVALID_DOCUMENT", `${problem}, received ${received(value)}.`);
}
