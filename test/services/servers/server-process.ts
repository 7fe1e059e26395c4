import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds that a server has to start, and to stop before it is killed. */
const startTime = 300_000;
const stopTime = 15_000;

/** A port of this machine that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A server as a process of this machine. It ends with this process, however that ends. */
export class ServerProcess {
  private readonly name: string;
  private readonly command: string;
  private readonly commandArguments: readonly string[];
  private readonly options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number };
  private child: ChildProcess | undefined;
  private guard: ChildProcess | undefined;
  private failure: Error | undefined;
  private output = "";

  constructor(
    name: string,
    command: string,
    commandArguments: readonly string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number } = {},
  ) {
    this.name = name;
    this.command = command;
    this.commandArguments = commandArguments;
    this.options = options;
  }

  /**
   * Starts it, and waits until `attempt` succeeds.
   * @throws Error with the last that the server printed, once it has ended or its time is over
   */
  async start(attempt: () => Promise<unknown>): Promise<void> {
    this.failure = undefined;
    this.output = "";
    const child = spawn(this.command, this.commandArguments, {
      ...this.options,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    child.on("error", (error) => {
      this.failure = error;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-20_000);
      });
    }
    // Its input ends with this process, even if that is killed.
    this.guard = spawn("sh", ["-c", 'read -r _; kill -KILL "$0"', `${child.pid}`], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    let failure: unknown;
    for (const end = Date.now() + startTime; Date.now() < end && this.isRunning; await sleep(100)) {
      try {
        await attempt();
        return;
      } catch (error) {
        failure = error;
      }
    }
    const why = this.isRunning ? `did not start within ${startTime / 1000} s` : "ended while it started";
    await this.stop("SIGKILL");
    throw new Error(`${this.name} ${why}. It printed: ${this.output.slice(-4000) || "nothing"}`, {
      cause: this.failure ?? failure,
    });
  }

  /** The last lines that it printed which match, up to a number. */
  lastLines(pattern: RegExp, count: number): string {
    const lines = this.output.split("\n").filter((line) => pattern.test(line));
    return [this.name, ...lines.slice(-count)].join("\n");
  }

  /** Ends it by a signal, or kills it if it does not heed that. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { child, guard } = this;
    if (child !== undefined && this.isRunning) {
      const exit = once(child, "exit");
      child.kill(signal);
      const killing = setTimeout(() => child.kill("SIGKILL"), stopTime);
      await exit;
      clearTimeout(killing);
    }
    guard?.kill("SIGKILL");
    this.child = undefined;
    this.guard = undefined;
  }

  private get isRunning(): boolean {
    const { child } = this;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }
}
