import type { DocumentInterface } from "@langchain/core/documents";
import type { BaseRetrieverInterface } from "@langchain/core/retrievers";
import { type DynamicStructuredTool, tool } from "@langchain/core/tools";
import { checkOptionNames } from "@sparse-encoder/core/internal";

/** Options of {@link createRetrieverTool}. */
export interface RetrieverToolOptions {
  /** Name of the tool for the model, such as `search_manuals`. */
  readonly name: string;
  /** Tells the model what there is to find, and when to search. */
  readonly description: string;
  /** What the model reads of a document. Default: its text. */
  readonly format?: (document: DocumentInterface) => string;
  /** Between two documents. Default: an empty line. */
  readonly separator?: string;
}

/**
 * A tool by which an agent searches: the model reads the texts, and the documents themselves, with metadata and ids, are
 * the `artifact` of the tool message. The config of a call reaches the retriever: callbacks, signal, `configurable`.
 */
export function createRetrieverTool(
  retriever: BaseRetrieverInterface,
  options: RetrieverToolOptions,
): DynamicStructuredTool {
  checkOptionNames("createRetrieverTool", options, ["name", "description", "format", "separator"]);
  const { name, description, format = ({ pageContent }) => pageContent, separator = "\n\n" } = options;
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
