import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { CommandError, messageOf, systemCode } from "../command-error.ts";
import type { ServerLimits } from "./guards/server-limits.ts";

/** Milliseconds within which the head of a request must arrive. */
const headTimeout = 10_000;

/** Milliseconds between two looks for requests that are late. */
const lateCheck = 1000;

/** An HTTP server that takes requests. */
export interface ListeningServer {
  readonly url: string;
  /** Takes no more connections, lets requests under way end for at most `grace` milliseconds, then ends the rest. */
  close(grace: number): Promise<void>;
}

/** @throws CommandError if the port or the address cannot be had */
export async function listen(
  app: Hono,
  host: string,
  port: number,
  limits: ServerLimits,
): Promise<ListeningServer> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  let isEnding = false;
  const server = createServer(
    {
      requestTimeout: limits.timeout,
      headersTimeout: Math.min(headTimeout, limits.timeout),
      connectionsCheckingInterval: lateCheck,
    },
    (request, response) => {
      // A connection that stays open would hold the end up.
      if (isEnding) response.setHeader("Connection", "close");
      void listener(request, response);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenFailure(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    close: (grace) => {
      isEnding = true;
      return end(server, grace);
    },
  };
}

async function end(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(timer);
}

function listenFailure(error: Error, host: string, port: number): CommandError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program has the port; name another one with --port, or 0 for any that is free",
    EACCES: "ports below 1024 need more rights; name another one with --port",
    EADDRNOTAVAIL: "this machine has no such address; name another one with --host",
    ENOTFOUND: "there is no such host; name another one with --host",
  };
  const reason = reasons[systemCode(error) ?? ""] ?? messageOf(error);
  return new CommandError(`The server cannot listen on ${host}, port ${port}: ${reason}.`, undefined, {
    cause: error,
  });
}
