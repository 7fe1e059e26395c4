import type { z } from "zod";
import { readJson } from "../request-body.ts";
import type { ServerContext } from "../server-context.ts";

/** What a handler knows of its request. */
export interface ApiCall {
  readonly context: ServerContext;
  /** Aborts when the client has gone or the time is over. */
  readonly signal: AbortSignal;
  readonly query: URLSearchParams;
  /** Named parts of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What OpenAPI says of a route. */
export interface RouteDescription {
  readonly method: "get" | "post" | "put" | "delete";
  /** With `:name` for a part that varies. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** Undefined for a route without a JSON body. */
  readonly body?: z.ZodType | undefined;
  /** Whether the body is the bytes of a file, in place of JSON. */
  readonly takesFile?: boolean | undefined;
  readonly response: z.ZodType;
}

/** A route with JSON answers. */
export interface ApiRoute extends RouteDescription {
  /** Checks the body and does the work. */
  answer(request: Request, call: ApiCall): Promise<unknown>;
}

/** A route without a body. */
export function apiRoute(
  description: RouteDescription & { handle(call: ApiCall): Promise<unknown> },
): ApiRoute {
  return { ...description, answer: (_request, call) => description.handle(call) };
}

/** A route whose body is JSON of a schema. */
export function bodyRoute<Body>(
  description: Omit<RouteDescription, "body"> & {
    readonly body: z.ZodType<Body>;
    handle(body: Body, call: ApiCall): Promise<unknown>;
  },
): ApiRoute {
  return {
    ...description,
    answer: async (request, call) => {
      const body = await readJson(request, description.body, call.context.limits.bodyBytes);
      return description.handle(body, call);
    },
  };
}
