import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A port of this machine that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Calls again for up to a minute what fails while a server starts. */
export async function untilReady(name: string, attempt: () => Promise<unknown>): Promise<void> {
  let failure: unknown;
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    try {
      await attempt();
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`${name} did not start`, { cause: failure });
}

/** A server as a process of this machine. */
export class ServerProcess {
  private readonly command: string;
  private readonly commandArguments: readonly string[];
  private readonly options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number };
  private child: ChildProcess | undefined;
  private output = "";

  constructor(
    command: string,
    commandArguments: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number } = {},
  ) {
    this.command = command;
    this.commandArguments = commandArguments;
    this.options = options;
  }

  start(): void {
    const child = spawn(this.command, this.commandArguments, {
      ...this.options,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-4000);
      });
    }
    this.child = child;
  }

  /** The last it printed. */
  get log(): string {
    return this.output;
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }
}
