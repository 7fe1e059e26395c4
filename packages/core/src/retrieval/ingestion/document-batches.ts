import type { Deadline } from "../../calls/index.ts";
import { invalidArgument, received } from "../../errors.ts";
import { failureOf } from "./failure.ts";
import type { NewDocument } from "./new-document.ts";

/** A run of documents of a source. */
export interface DocumentBatch {
  /** Position of the first document in the source. */
  readonly first: number;
  readonly documents: readonly NewDocument[];
}

/**
 * Reads a source batch by batch, after its first `skip` documents. The source is read by hand: `for await` would wait for a
 * source that hangs, whatever the signal says.
 */
export async function* readBatches(
  source: unknown,
  size: number,
  skip: number,
  deadline: Deadline,
): AsyncGenerator<DocumentBatch> {
  const iterator = iteratorOf(source);
  let position = 0;
  let ended = false;
  let documents: NewDocument[] = [];
  try {
    for (;;) {
      const { done, value } = await deadline
        .race(() => iterator.next())
        .catch((cause: unknown) => {
          throw failureOf(cause, "INVALID_ARGUMENT", "The source of documents failed");
        });
      ended = done === true;
      if (!ended && position++ >= skip) documents.push(value);
      if (documents.length === size || (ended && documents.length > 0)) {
        yield { first: position - documents.length, documents };
        documents = [];
      }
      if (ended) return;
    }
  } finally {
    // Not awaited: a source that hangs may hang here too.
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

function iteratorOf(source: unknown): Iterator<NewDocument> | AsyncIterator<NewDocument> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return (source as AsyncIterable<NewDocument>)[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return (source as Iterable<NewDocument>)[Symbol.iterator]();
  }
  throw invalidArgument(`expected an array or another iterable of documents, received ${received(source)}.`);
}
