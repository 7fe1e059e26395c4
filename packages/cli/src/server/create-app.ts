import { createMcpHandler } from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { createMcpServer } from "../mcp/mcp-server.ts";
import { addErrorAnswers } from "./error-answers.ts";
import { addFileRoute, fileRoute } from "./file-route.ts";
import { apiKeyGuard } from "./guards/api-key.ts";
import { type HostRules, hostGuard } from "./guards/host-guard.ts";
import { securityHeaders } from "./guards/security-headers.ts";
import { limitRequests, observe } from "./observe.ts";
import { openApi } from "./open-api.ts";
import { isPagePath, pageRoutes } from "./page-files.ts";
import type { ApiRoute } from "./routes/api-route.ts";
import { apiRoutes } from "./routes/routes.ts";
import type { ServerContext } from "./server-context.ts";
import type { Tracer } from "./tracing.ts";
import { withinTime } from "./within-time.ts";

/** How a server is reached. */
export interface AppOptions {
  readonly rules: HostRules;
  readonly apiKey: string | undefined;
  readonly tracer: Tracer;
  readonly log: (message: string) => void;
}

/** The application of a server: takes web requests, gives web responses. */
export function createApp(context: ServerContext, { rules, apiKey, tracer, log }: AppOptions): Hono {
  const app = new Hono();
  addErrorAnswers(app, log);
  app.use(observe(context, tracer));
  app.use(securityHeaders);
  app.use(hostGuard(rules));
  if (apiKey !== undefined) app.use(apiKeyGuard(apiKey, isPagePath));
  app.use(limitRequests(context));
  for (const route of apiRoutes) addRoute(app, route, context);
  addFileRoute(app, context);
  const description = openApi([...apiRoutes, fileRoute], context.version);
  app.get("/openapi.json", (call) => call.json(description));
  const { registry } = context.metrics;
  app.get("/metrics", async (call) =>
    call.body(await registry.metrics(), 200, { "Content-Type": registry.contentType }),
  );
  const mcp = createMcpHandler(() => createMcpServer(context), {
    maxRequestBodySize: context.limits.bodyBytes,
    onerror: (error) => log(`MCP: ${error.message}`),
  });
  app.all("/mcp", (call) => mcp.fetch(call.req.raw));
  pageRoutes(app);
  return app;
}

function addRoute(app: Hono, route: ApiRoute, context: ServerContext): void {
  app.on(route.method.toUpperCase(), route.path, async (call) => {
    const request = call.req.raw;
    const query = new URL(request.url).searchParams;
    const parameters = call.req.param() as Record<string, string>;
    const answer = await withinTime(request, context.limits.timeout, (signal) =>
      route.answer(request, { context, signal, query, parameters }),
    );
    return call.body(JSON.stringify(answer), 200, { "Content-Type": "application/json" });
  });
}
