import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { CommandError, messageOf, systemCode } from "../command-error.ts";
import type { ServerLimits } from "./guards/server-limits.ts";

/** Milliseconds within which the head of a request must arrive. */
const headTimeout = 10_000;

/** Milliseconds between two looks for requests that are late. */
const lateCheck = 1000;

/** Milliseconds from the order to end until no more connections are taken: requests on the way are read. */
const readTime = 100;

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
  const underWay = new Set<ServerResponse>();
  const server = createServer(
    {
      requestTimeout: limits.timeout,
      headersTimeout: Math.min(headTimeout, limits.timeout),
      connectionsCheckingInterval: lateCheck,
    },
    (request, response) => {
      if (isEnding) closeAfter(response);
      underWay.add(response);
      response.once("close", () => underWay.delete(response));
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
      for (const response of underWay) closeAfter(response);
      return end(server, grace);
    },
  };
}

/** A connection that stays open after its answer would hold the end up. */
function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}

async function end(server: Server, grace: number): Promise<void> {
  // Connections without a request are closed at once, also with one that has come in and was not read yet.
  await setTimeout(readTime);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const over = new AbortController();
  void setTimeout(grace, undefined, { signal: over.signal }).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await closed;
  over.abort();
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
