import type { Hono } from "hono";
import { z } from "zod";
import { addFile } from "../collection/update-collection.ts";
import { messageOf } from "../command-error.ts";
import { readDocuments } from "../folder/file-reader.ts";
import { knownEndings } from "../folder/read-file-text.ts";
import { ApiError, invalidRequest } from "./api-error.ts";
import { readBody } from "./request-body.ts";
import type { RouteDescription } from "./routes/api-route.ts";
import { collectionOf } from "./routes/search-settings.ts";
import type { ServerContext } from "./server-context.ts";
import { withinTime } from "./within-time.ts";

/** What OpenAPI says of the route of files. */
export const fileRoute: RouteDescription = {
  method: "put",
  path: "/files/:name",
  summary: "Take up a Markdown, text, HTML or PDF file, in place of an earlier one of its name",
  tag: "documents",
  takesFile: true,
  response: z.object({ file: z.string(), passages: z.number().int() }),
};

/** Takes files up into the index. The body is the file; its name becomes part of ids and is never a path. */
export function addFileRoute(app: Hono, context: ServerContext): void {
  const { bodyBytes, timeout } = context.limits;
  app.put(fileRoute.path, async (call) => {
    const name = checkName(call.req.param("name") ?? "");
    return withinTime(call.req.raw, timeout, async (signal) => {
      const bytes = await readBody(call.req.raw, bodyBytes);
      const documents = await readDocuments(name, bytes, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        throw invalidRequest(`The file cannot be read: ${messageOf(error)}.`);
      });
      await addFile(collectionOf(context), { name, bytes, documents }, signal);
      return call.json({ file: name, passages: documents.length });
    });
  });
}

/** The name of a sent file in the index. */
function checkName(given: string): string {
  const name = given.toWellFormed();
  if (!/^[^/\\\p{Cc}]{1,200}$/u.test(name) || /^\.+$/.test(name)) {
    throw invalidRequest("The name of a file has 1 to 200 characters, no slashes and no control characters.");
  }
  if (!knownEndings.some((ending) => name.toLowerCase().endsWith(ending))) {
    throw new ApiError(415, "Validation", `Only files that end in ${knownEndings.join(", ")} are read.`);
  }
  return `uploads/${name}`;
}
