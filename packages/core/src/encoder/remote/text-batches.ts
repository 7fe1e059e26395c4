/** Most texts of a request, and most bytes of them as JSON. */
export interface BatchSize {
  readonly texts: number;
  readonly bytes: number;
}

/** Texts of one request. */
export interface TextBatch {
  readonly texts: readonly string[];
  /** Position of the first one. */
  readonly first: number;
}

/** Cuts texts into requests. A text that is longer than a request may be gets one by itself. */
export function* batchesOf(texts: readonly string[], size: BatchSize, start = 0): Generator<TextBatch> {
  let first = 0;
  let bytes = 0;
  for (const [position, text] of texts.entries()) {
    const more = Buffer.byteLength(JSON.stringify(text));
    const isFull = position > first && (position - first === size.texts || bytes + more > size.bytes);
    if (isFull) {
      yield { texts: texts.slice(first, position), first: start + first };
      first = position;
      bytes = 0;
    }
    bytes += more;
  }
  if (first < texts.length) yield { texts: texts.slice(first), first: start + first };
}
