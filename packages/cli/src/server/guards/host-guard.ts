import { isIP } from "node:net";
import type { MiddlewareHandler } from "hono";
import { ApiError } from "../api-error.ts";

/** Whose requests are taken. */
export interface HostRules {
  /** Names beyond `localhost` and numeric addresses under which the server may be asked; undefined to allow any. */
  readonly hosts: readonly string[] | undefined;
  /** Origins of pages beyond the server's own, such as `https://example.com`. */
  readonly origins: readonly string[];
}

/**
 * Refuses requests that a foreign web page makes in a person's browser: by their `Origin`, and by a `Host` that is a name of
 * somebody else's, which DNS rebinding makes point at this machine.
 */
export function hostGuard({ hosts, origins }: HostRules): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header("host") ?? "";
    if (hosts !== undefined && !isOwnHost(host, hosts)) {
      throw new ApiError(
        403,
        "Validation",
        `The server does not answer as ${JSON.stringify(host.slice(0, 80))}; see --allow-host.`,
      );
    }
    const origin = context.req.header("origin");
    const isForeign = origin !== undefined && !isSameHost(origin, host);
    if (isForeign && !origins.includes(origin)) {
      throw new ApiError(
        403,
        "Validation",
        `Pages of ${JSON.stringify(origin.slice(0, 80))} may not ask this server; see --allow-origin.`,
      );
    }
    if (isForeign) {
      context.header("Access-Control-Allow-Origin", origin);
      context.header("Vary", "Origin");
      if (context.req.method === "OPTIONS") {
        context.header("Access-Control-Allow-Headers", "Authorization, Content-Type");
        context.header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
        return context.body(null, 204);
      }
    }
    await next();
  };
}

function isOwnHost(host: string, hosts: readonly string[]): boolean {
  const name = hostName(host);
  return name === "localhost" || isIP(name) !== 0 || hosts.some((allowed) => allowed.toLowerCase() === name);
}

/** The name in `name:port` or `[address]:port`. */
function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}

function isSameHost(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
