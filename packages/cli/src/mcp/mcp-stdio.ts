import { once } from "node:events";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { untilAborted } from "../interruption.ts";
import type { ServerContext } from "../server/server-context.ts";
import { note } from "../terminal/standard-output.ts";
import { createMcpServer } from "./mcp-server.ts";

/** Speaks MCP on standard input and output until the client closes them or the signal ends it. */
export async function serveMcpOnStdio(context: ServerContext, signal: AbortSignal): Promise<void> {
  const connection = serveStdio(() => createMcpServer(context), {
    onerror: (error) => note(`MCP: ${error.message}`),
  });
  const { stdin } = process;
  await Promise.race([once(stdin, "end"), once(stdin, "close"), untilAborted(signal)]);
  await connection.close();
}
