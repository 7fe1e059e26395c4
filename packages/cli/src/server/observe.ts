import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { overloaded } from "./api-error.ts";
import type { ServerContext } from "./server-context.ts";
import type { Tracer } from "./tracing.ts";

/** Counts and times requests, and gives each a span. */
export function observe({ metrics }: ServerContext, tracer: Tracer): MiddlewareHandler {
  return async (call, next) => {
    const { method } = call.req;
    const started = performance.now();
    metrics.begin();
    await tracer.span(method, async (span) => {
      await next();
      const { status } = call.res;
      // The pattern of the route, never a path that a client made up.
      const route = status === 404 ? "unknown" : routePath(call, -1);
      span.set({ "http.request.method": method, "http.route": route, "http.response.status_code": status });
      metrics.end(route, method, status, (performance.now() - started) / 1000);
    });
  };
}

/** Refuses requests beyond the most that may be under way; probes are always answered. */
export function limitRequests({ limits }: ServerContext): MiddlewareHandler {
  let running = 0;
  return async (call, next) => {
    if (running >= limits.requests && call.req.path !== "/health") {
      throw overloaded(`${running} requests are under way, of at most ${limits.requests}.`);
    }
    running++;
    try {
      await next();
    } finally {
      running--;
    }
  };
}
