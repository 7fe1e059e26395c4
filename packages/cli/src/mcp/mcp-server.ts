import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { addDocuments } from "../collection/store-documents.ts";
import { sharedTerms } from "../explain/term-share.ts";
import { toApiError } from "../server/api-error.ts";
import { hitOf } from "../server/routes/search-route.ts";
import { collectionOf } from "../server/routes/search-settings.ts";
import type { ServerContext } from "../server/server-context.ts";

/** Hits per search: the default, and the most. */
const hitLimits = { usual: 5, most: 50 };

/** Terms of an explanation. */
const shownTerms = 20;

/** A text that says something: a blank query finds nothing, which would look like an answer. */
const saidText = z.string().refine((text) => text.trim() !== "", "must not be empty");

/** A server for the Model Context Protocol with tools to search, to explain and to add. */
export function createMcpServer(context: ServerContext): McpServer {
  const server = new McpServer({ name: "sparse-encoder", version: context.version });
  addSearch(server, context);
  addExplain(server, context);
  addIngestion(server, context);
  return server;
}

function addSearch(server: McpServer, context: ServerContext): void {
  server.registerTool(
    "search",
    {
      title: "Search documents",
      description:
        "Finds the documents of the index that match a query best, by meaning (SPLADE) and by word (BM25). Gives id, text, metadata and score of each.",
      inputSchema: z.object({
        query: saidText.describe("What to look for, in natural language or keywords"),
        k: z
          .number()
          .int()
          .min(1)
          .max(hitLimits.most)
          .default(hitLimits.usual)
          .describe("Most documents to give"),
      }),
      annotations: { readOnlyHint: true },
    },
    ({ query, k }, { mcpReq }) =>
      answer(async () => {
        const hits = await collectionOf(context).retriever.retrieve(query, { k, signal: mcpReq.signal });
        return hits.map(hitOf);
      }),
  );
}

function addExplain(server: McpServer, { encoder }: ServerContext): void {
  server.registerTool(
    "explain",
    {
      title: "Explain a match",
      description:
        "Shows which vocabulary terms a query and a document share, and how much each adds to their score.",
      inputSchema: z.object({
        query: saidText,
        document: saidText.describe("A text, not an id"),
      }),
      annotations: { readOnlyHint: true },
    },
    ({ query, document }, { mcpReq }) =>
      answer(async () => {
        const { signal } = mcpReq;
        const [left, right] = await Promise.all([
          encoder.encodeQuery(query, { signal }),
          encoder.encodeDocument(document, { signal }),
        ]);
        return { score: left.dot(right), terms: sharedTerms(encoder, left, right).slice(0, shownTerms) };
      }),
  );
}

function addIngestion(server: McpServer, context: ServerContext): void {
  server.registerTool(
    "add",
    {
      title: "Add documents",
      description: "Stores documents in the index, in place of the documents that have the same ids.",
      inputSchema: z.object({
        documents: z
          .array(z.object({ id: z.string().min(1), text: z.string(), title: z.string().optional() }))
          .min(1)
          .max(context.limits.requestTexts),
      }),
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    },
    ({ documents }, { mcpReq }) =>
      answer(async () => {
        const stored = documents.map(({ id, text, title }) => ({
          id,
          text,
          metadata: title === undefined ? {} : { title },
        }));
        await addDocuments(collectionOf(context), stored, mcpReq.signal);
        return { stored: stored.length };
      }),
  );
}

/** A result as text, and an error as one that the agent can read. */
async function answer(work: () => Promise<unknown>) {
  try {
    return { content: [{ type: "text" as const, text: JSON.stringify(await work()) }] };
  } catch (error) {
    return { content: [{ type: "text" as const, text: toApiError(error).message }], isError: true };
  }
}
