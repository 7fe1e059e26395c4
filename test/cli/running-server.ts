import { once } from "node:events";
import { tmpdir } from "node:os";
import { startCli } from "./run-cli.ts";

/** A server that the built command started. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  /** Number of the process. */
  readonly pid: number;
  /** What it wrote to standard error. */
  log(): string;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Asks with a JSON body, or without one. */
  ask(path: string, body?: unknown, init?: RequestInit): Promise<Response>;
}

/** Starts `serve` on a port that is free. */
export async function startServer(
  parameters: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const child = startCli(["serve", "--port", "0", ...parameters], { env, cwd: tmpdir() });
  let log = "";
  let hasEnded = false;
  child.on("close", () => {
    hasEnded = true;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      const found = /Listening on (\S+)/.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("close", () => reject(new Error(`The server ended: ${log}`)));
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (!hasEnded) {
      child.kill(signal);
      await once(child, "close");
    }
    return child.exitCode;
  };
  return {
    url,
    pid: child.pid!,
    log: () => log,
    stop,
    ask: (path, body, init = {}) =>
      fetch(`${url}${path}`, {
        ...(body !== undefined && {
          method: "POST",
          body: JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
        ...init,
      }),
    [Symbol.asyncDispose]: async () => {
      await stop("SIGKILL");
    },
  };
}
