import type { Deadline } from "../../calls/index.ts";
import { invalidArgument, received } from "../../errors.ts";
import type { RetrievedDocument } from "../retrieval-result.ts";
import type { Transform } from "../retrieval-settings.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import { lateIn } from "./late.ts";

/**
 * Lets a function change the documents found.
 *
 * @throws what the function throws; SparseEncoderError `INVALID_ARGUMENT` for a result that is not an array of documents;
 *   what ended the deadline
 */
export async function transform(
  call: RetrieveCall,
  change: Transform,
  query: string | undefined,
  documents: readonly RetrievedDocument[],
  deadline: Deadline,
): Promise<RetrievedDocument[]> {
  const started = performance.now();
  const name = change.name === "" ? "transform" : change.name;
  const changed: unknown = await deadline
    .race((signal) => change(query ?? "", documents, { signal, context: call.context }))
    .catch((error: unknown) => {
      throw deadline.signal.aborted ? lateIn(error, `the ${name}`) : error;
    });
  const kept = checkDocuments(name, changed).slice(0, call.limit);
  const milliseconds = performance.now() - started;
  call.onEvent({ type: "transform", name, candidates: documents.length, results: [kept], milliseconds });
  return kept;
}

function checkDocuments(name: string, documents: unknown): RetrievedDocument[] {
  if (!Array.isArray(documents)) {
    throw invalidArgument(`${name} must give an array of documents, received ${received(documents)}.`);
  }
  for (const document of documents) {
    if (typeof document?.id !== "string" || typeof document.text !== "string") {
      throw invalidArgument(
        `${name} must give documents with id, text and score, such as { ...document, text }, received ${received(document)}.`,
      );
    }
  }
  return documents as RetrievedDocument[];
}
