import { received, SparseEncoderError } from "../../errors.ts";
import { checkText } from "../encode-options.ts";
import { type Bm25FitOptions, fitOptions } from "./bm25-options.ts";
import { TermCounts } from "./term-counts.ts";
import { tallyTerms } from "./term-tally.ts";
import type { TermSource } from "./terms/analyzer.ts";
import { TextSet } from "./text-set.ts";
import { Turns } from "./turns.ts";

/** Texts between two reports of progress. */
const reportEvery = 256;

/** Counts, and the texts that were counted. */
export interface CountedTexts {
  readonly counts: TermCounts;
  readonly texts: TextSet;
}

/**
 * Counts the terms of texts.
 * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`
 */
export async function countTexts(
  call: string,
  source: TermSource,
  texts: Iterable<string> | AsyncIterable<string>,
  options: Bm25FitOptions | undefined,
): Promise<CountedTexts> {
  const { signal, onProgress } = fitOptions.check(call, options);
  checkIterable(call, texts);
  const turns = new Turns(signal);
  const total = Array.isArray(texts) ? texts.length : undefined;
  const counts = new TermCounts();
  const counted = new TextSet();
  const report = () => onProgress?.({ done: counts.documents, total });
  for await (const text of texts) {
    checkText(call, text, counts.documents);
    counted.add(text);
    counts.addDocument(await tallyTerms(source, text, "document", turns));
    if (counts.documents % reportEvery !== 0) continue;
    report();
    await turns.pause();
  }
  await turns.pause();
  if (counts.documents % reportEvery !== 0) report();
  return { counts, texts: counted };
}

function checkIterable(call: string, texts: unknown): void {
  if (
    typeof texts === "object" &&
    texts !== null &&
    (Symbol.iterator in texts || Symbol.asyncIterator in texts)
  ) {
    return;
  }
  throw new SparseEncoderError(
    "INVALID_TEXT",
    `${call}: expected an array or another iterable of strings, received ${received(texts)}.`,
  );
}
