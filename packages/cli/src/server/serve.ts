import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { messageOf, usageError } from "../command-error.ts";
import { Interruption, untilAborted } from "../interruption.ts";
import { plainText } from "../terminal/plain-text.ts";
import { note } from "../terminal/standard-output.ts";
import { createApp } from "./create-app.ts";
import { defaultLimits, type ServerLimits } from "./guards/server-limits.ts";
import { listen } from "./http-server.ts";
import { type ContextOptions, openContext } from "./open-context.ts";
import { openTracer } from "./tracing.ts";

/** Options of the command. */
export interface ServeOptions extends Omit<ContextOptions, "limits"> {
  readonly host: string;
  readonly port: number;
  readonly apiKeyFile?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly allowHost?: readonly string[] | undefined;
  readonly allowOrigin?: readonly string[] | undefined;
  readonly mcp?: boolean | undefined;
  readonly maxBody?: number | undefined;
  readonly maxTexts?: number | undefined;
  readonly maxRequests?: number | undefined;
  readonly maxQueue?: number | undefined;
  readonly batch?: number | undefined;
  readonly batchWait?: number | undefined;
  readonly timeout?: number | undefined;
  readonly grace?: number | undefined;
}

/** Bytes of a mebibyte, and milliseconds of a second: options are in the larger unit. */
const mebibyte = 2 ** 20;
const second = 1000;

/** Starts the server and runs it until it is told to end. */
export async function serve(options: ServeOptions): Promise<void> {
  using interruption = new Interruption();
  const { signal } = interruption;
  const apiKey = await readApiKey(options);
  const isLoopback = isLoopbackHost(options.host);
  if (!isLoopback && apiKey === undefined && !options.insecure) {
    throw usageError(
      `--host ${options.host} lets other machines in: set SPARSE_ENCODER_API_KEY or --api-key-file, or say --insecure.`,
    );
  }
  checkJudgementOptions(options);
  const limits = limitsOf(options);
  await using context = await openContext({ ...options, limits }, signal);
  if (options.mcp) {
    const { serveMcpOnStdio } = await import("../mcp/mcp-stdio.ts");
    await serveMcpOnStdio(context, signal);
    return;
  }
  // With a key, a foreign page gets nothing, whatever name it asks under.
  const checksHosts = isLoopback || apiKey === undefined || options.allowHost !== undefined;
  const app = createApp(context, {
    rules: { hosts: checksHosts ? (options.allowHost ?? []) : undefined, origins: options.allowOrigin ?? [] },
    apiKey,
    tracer: await openTracer(context.version),
    log: (message) => note(plainText(message)),
  });
  const server = await listen(app, options.host, options.port, limits);
  note(`Listening on ${server.url} (Ctrl-C ends)`);
  await untilAborted(signal);
  context.end();
  note("Ending: requests under way are answered first.");
  await server.close(limits.grace);
}

function checkJudgementOptions({ beir, queries, qrels, compare = [], mcp }: ServeOptions): void {
  if ((queries === undefined) !== (qrels === undefined)) {
    throw usageError("--queries and --qrels go together: a file of queries, and a file of their judgements.");
  }
  if (beir !== undefined && queries !== undefined) {
    throw usageError("--beir has queries and judgements of its own; leave --queries and --qrels out.");
  }
  if (mcp && compare.length > 0) throw usageError("--compare is for the page; leave it out with --mcp.");
}

async function readApiKey({ apiKeyFile }: ServeOptions): Promise<string | undefined> {
  const key =
    apiKeyFile === undefined
      ? process.env.SPARSE_ENCODER_API_KEY
      : await readFile(apiKeyFile, "utf8").catch((error: unknown) => {
          throw usageError(`${apiKeyFile} cannot be read: ${messageOf(error)}`);
        });
  const trimmed = key?.trim();
  if (apiKeyFile !== undefined && trimmed === "") throw usageError(`${apiKeyFile} is empty.`);
  return trimmed === "" ? undefined : trimmed;
}

function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function limitsOf(options: ServeOptions): ServerLimits {
  const given = {
    bodyBytes: options.maxBody && options.maxBody * mebibyte,
    requestTexts: options.maxTexts,
    requests: options.maxRequests,
    queuedTexts: options.maxQueue,
    batchTexts: options.batch,
    batchWait: options.batchWait,
    timeout: options.timeout && options.timeout * second,
    grace: options.grace && options.grace * second,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(set) };
}
