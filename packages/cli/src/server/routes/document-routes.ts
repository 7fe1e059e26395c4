import type { Metadata } from "@sparse-encoder/core";
import { z } from "zod";
import { addDocuments, deleteDocuments } from "../../collection/store-documents.ts";
import { ApiError } from "../api-error.ts";
import { apiRoute, bodyRoute } from "./api-route.ts";
import { collectionOf } from "./search-settings.ts";

/** Documents that a listing gives where no number is asked for, and at most. */
const listed = { usual: 50, most: 500 };

const documentSchema = z.object({
  id: z.string(),
  text: z.string(),
  metadata: z.record(z.string(), z.unknown()),
});

export const addDocumentsRoute = bodyRoute({
  method: "post",
  path: "/documents",
  summary: "Add documents, in place of the documents with the same ids",
  tag: "documents",
  body: z.object({
    documents: z
      .array(
        z.object({
          id: z.string(),
          text: z.string(),
          metadata: z.record(z.string(), z.unknown()).optional(),
        }),
      )
      .min(1),
  }),
  response: z.object({ stored: z.number().int() }),
  async handle({ documents }, { context, signal }) {
    const { requestTexts } = context.limits;
    if (documents.length > requestTexts) {
      throw new ApiError(413, "Validation", `At most ${requestTexts} documents are taken at once.`);
    }
    const given = documents.map(({ metadata = {}, ...document }) => ({
      ...document,
      metadata: metadata as Metadata,
    }));
    await addDocuments(collectionOf(context), given, signal);
    return { stored: documents.length };
  },
});

export const deleteDocumentsRoute = bodyRoute({
  method: "delete",
  path: "/documents",
  summary: "Delete documents by their ids",
  tag: "documents",
  body: z.object({ ids: z.array(z.string()).min(1) }),
  response: z.object({ deleted: z.number().int() }),
  async handle({ ids }, { context, signal }) {
    return { deleted: await deleteDocuments(collectionOf(context), ids, signal) };
  },
});

export const listDocumentsRoute = apiRoute({
  method: "get",
  path: "/documents",
  summary: "Documents in the order of their ids: `after` an id, at most `limit`",
  tag: "documents",
  response: z.object({ count: z.number().int(), documents: z.array(documentSchema) }),
  async handle({ context, query, signal }) {
    const { store } = collectionOf(context);
    const limit = limitOf(query.get("limit"));
    const after = query.get("after") ?? undefined;
    const documents: z.infer<typeof documentSchema>[] = [];
    for await (const { id, text, metadata } of store.iterate({ after, signal, batchSize: limit })) {
      documents.push({ id, text, metadata });
      if (documents.length === limit) break;
    }
    return { count: await store.count({ signal }), documents };
  },
});

export const getDocumentRoute = apiRoute({
  method: "get",
  path: "/documents/:id",
  summary: "A document",
  tag: "documents",
  response: documentSchema,
  async handle({ context, parameters, signal }) {
    const [document] = await collectionOf(context).store.get([parameters.id ?? ""], { signal });
    if (document === undefined) throw new ApiError(404, "Validation", "There is no document of this id.");
    const { id, text, metadata } = document;
    return { id, text, metadata };
  },
});

function limitOf(text: string | null): number {
  const limit = text === null ? listed.usual : Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > listed.most) {
    throw new ApiError(422, "Validation", `limit is a whole number from 1 to ${listed.most}.`);
  }
  return limit;
}
