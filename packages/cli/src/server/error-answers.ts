import type { Hono } from "hono";
import { toApiError } from "./api-error.ts";

/** Answers failures, in the shape of text-embeddings-inference, or of OpenAI below `/v1`. */
export function addErrorAnswers(app: Hono, log: (message: string) => void): void {
  app.onError((error, call) => {
    const failure = toApiError(error);
    const { status, type, message } = failure;
    if (status >= 500 && type !== "Overloaded")
      log(`${call.req.method} ${call.req.path}: ${error.stack ?? error}`);
    if (failure.retryAfter !== undefined) call.header("Retry-After", String(failure.retryAfter));
    return call.req.path.startsWith("/v1/")
      ? call.json({ error: { message, type, code: status } }, status)
      : call.json({ error: message, error_type: type }, status);
  });
  app.notFound((call) => {
    const error = `There is no ${call.req.method} ${call.req.path.slice(0, 200)}.`;
    return call.json({ error, error_type: "Validation" }, 404);
  });
}
