import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ApiError } from "../api-error.ts";

/** Paths that tell nothing: probes of an orchestrator have no key, and the page asks for it. */
const openPaths = new Set(["/health", "/ready"]);

/** Asks for `Authorization: Bearer <key>`. */
export function apiKeyGuard(key: string, isPage: (path: string) => boolean): MiddlewareHandler {
  const expected = digest(key);
  return async (context, next) => {
    const { path, method } = context.req;
    const isOpen = openPaths.has(path) || ((method === "GET" || method === "HEAD") && isPage(path));
    const given = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1];
    const isKnown = given !== undefined && timingSafeEqual(digest(given), expected);
    if (!isKnown && !isOpen) {
      context.header("WWW-Authenticate", "Bearer");
      throw new ApiError(
        401,
        "Validation",
        "The API key is missing or wrong: send Authorization: Bearer <key>.",
      );
    }
    await next();
  };
}

/** Equal lengths, which the comparison needs, whatever was given. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
