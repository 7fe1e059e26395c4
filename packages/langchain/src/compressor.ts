import type { CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import type { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import type { RetrievedDocument, Transform } from "@sparse-encoder/core";

/** The part of LangChain's `BaseDocumentCompressor` that is used. */
export type DocumentCompressor = Pick<BaseDocumentCompressor, "compressDocuments">;

/**
 * A compressor as the last step of core. The documents that it gives are the payloads of the result.
 * @param toDocument makes the documents that the compressor is given
 */
export function compressBy(
  user: DocumentCompressor,
  run: CallbackManagerForRetrieverRun | undefined,
  toDocument: (hit: RetrievedDocument) => DocumentInterface,
): Transform {
  // Its name stands in messages and events.
  return async function compressor(query, hits) {
    const found = new Map(hits.map((hit) => [toDocument(hit), hit]));
    const kept = await user.compressDocuments([...found.keys()], query, run?.getChild("compressor"));
    return kept.map((document) => {
      const { id = "", pageContent: text, metadata } = document;
      const { score = 0, fusedScore = 0, arms = {} } = found.get(document) ?? {};
      return { id, text, metadata, score, fusedScore, arms, payload: document };
    });
  };
}
