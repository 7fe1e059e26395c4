import { z } from "zod";
import type { RouteDescription } from "./routes/api-route.ts";

/** The description of the API, made of the schemas that check requests. */
export function openApi(routes: readonly RouteDescription[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "sparse-encoder", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
      schemas: { Error: errorSchema },
    },
    security: [{}, { key: [] }],
  };
}

const errorSchema = {
  type: "object",
  required: ["error", "error_type"],
  properties: {
    error: { type: "string" },
    error_type: { enum: ["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer"] },
  },
};

function operation({
  method,
  path,
  summary,
  tag,
  body,
  takesFile = false,
  response,
}: RouteDescription): Record<string, unknown> {
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const error = { content: jsonContent({ $ref: "#/components/schemas/Error" }) };
  return {
    operationId: `${method}${path.replace(/\W+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    tags: [tag],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: true, content: jsonContent(z.toJSONSchema(body, { io: "input" })) },
    }),
    ...(takesFile && { requestBody: { required: true, content: { "application/octet-stream": {} } } }),
    responses: {
      200: { description: "Done", content: jsonContent(z.toJSONSchema(response)) },
      422: { description: "The request is wrong", ...error },
      429: { description: "Too many requests or texts wait; see Retry-After", ...error },
    },
  };
}

function jsonContent(schema: unknown) {
  return { "application/json": { schema } };
}
