import type { DocumentInterface } from "@langchain/core/documents";
import type { Identify } from "@sparse-encoder/core";
import { invalidArgument, received } from "@sparse-encoder/core/internal";

/** The key by which arms know a document: a name in its metadata, or a function of the document. */
export type IdKey = string | ((document: DocumentInterface) => string);

/**
 * How core knows documents over the arms. A document of a LangChain retriever needs a key; a document of a store that has none
 * is known by its id.
 */
export function identifyBy(idKey: IdKey): Identify {
  return ({ id, text, metadata, payload }, arm) => {
    const found = payload as DocumentInterface | undefined;
    const document = found ?? { pageContent: text, metadata, ...(id === undefined ? {} : { id }) };
    const key: unknown = typeof idKey === "function" ? idKey(document) : document.metadata?.[idKey];
    if (typeof key === "number") return `${key}`;
    if (typeof key === "string" && key !== "") return key;
    if (found === undefined) return undefined;
    const where = typeof idKey === "function" ? "what idKey gives" : `metadata.${idKey}`;
    throw invalidArgument(
      `A document of the arm ${arm} needs a key, but ${where} is ${received(key)}; give it one, or choose another idKey.`,
    );
  };
}
