import type { DocumentInterface } from "@langchain/core/documents";
import type { BaseRetrieverInterface } from "@langchain/core/retrievers";
import { type DynamicStructuredTool, tool } from "@langchain/core/tools";
import {
  callback,
  declareOptions,
  invalidArgument,
  received,
  rule,
  text,
} from "@sparse-encoder/core/internal";

/** Options of {@link createRetrieverTool}. */
export interface RetrieverToolOptions {
  /** Name of the tool for the model, such as `search_manuals`. */
  readonly name: string;
  /** Tells the model what there is to find, and when to search. */
  readonly description: string;
  /** The text of a document for the model. Default: the document's text. */
  readonly format?: ((document: DocumentInterface) => string) | undefined;
  /** Between two documents. Default: an empty line. */
  readonly separator?: string | undefined;
}

const toolOptions = declareOptions<RetrieverToolOptions>()({
  name: text().required(),
  description: text().required(),
  format: callback<(document: DocumentInterface) => string>().default(({ pageContent }) => pageContent),
  separator: rule((value, name): string => {
    if (typeof value === "string") return value;
    throw invalidArgument(`${name} must be a string, received ${received(value)}.`);
  }).default("\n\n"),
});

/**
 * A tool by which an agent searches: the model reads the texts, and the documents themselves, with metadata and ids, are
 * the `artifact` of the tool message. The config of a call reaches the retriever: callbacks, signal, `configurable`.
 */
export function createRetrieverTool(
  retriever: BaseRetrieverInterface,
  options: RetrieverToolOptions,
): DynamicStructuredTool {
  const { name, description, format, separator } = toolOptions.check("createRetrieverTool", options);
  checkRetriever(retriever);
  return tool(
    async (input, config): Promise<[string, DocumentInterface[]]> => {
      const documents = await retriever.invoke((input as { query: string }).query, config);
      return [documents.map(format).join(separator), documents];
    },
    {
      name,
      description,
      // JSON schema, so that no schema library need be installed.
      schema: {
        type: "object",
        properties: { query: { type: "string", description: "What to search for" } },
        required: ["query"],
        additionalProperties: false,
      },
      responseFormat: "content_and_artifact",
    },
  ) as DynamicStructuredTool;
}

function checkRetriever(retriever: BaseRetrieverInterface): void {
  if (typeof (retriever as BaseRetrieverInterface | undefined)?.invoke === "function") return;
  throw invalidArgument(`createRetrieverTool needs a retriever, received ${received(retriever)}.`);
}
