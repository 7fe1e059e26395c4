import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** A process that answers a JSON line with a JSON line, and says one when it is ready. */
export class LineProcess<Ready, Request, Answer> {
  readonly name: string;
  readonly ready: Ready;
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;

  private constructor(
    name: string,
    child: ChildProcessByStdio<Writable, Readable, null>,
    lines: AsyncIterator<string>,
    ready: Ready,
  ) {
    this.name = name;
    this.child = child;
    this.lines = lines;
    this.ready = ready;
  }

  static async start<Ready, Request, Answer>(
    name: string,
    command: string,
    args: readonly string[],
  ): Promise<LineProcess<Ready, Request, Answer>> {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return new LineProcess(name, child, lines, await nextOf<Ready>(name, lines));
  }

  ask(request: Request): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    return nextOf<Answer>(this.name, this.lines);
  }

  end(): void {
    this.child.stdin.end();
    this.child.kill();
  }
}

async function nextOf<Answer>(name: string, lines: AsyncIterator<string>): Promise<Answer> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error(`${name} ended.`);
  return JSON.parse(value) as Answer;
}

/** The interpreter with PyTorch and sentence-transformers; installs them the first time. */
export function referencePython(): string {
  const python = fileURLToPath(new URL("../.reference/bin/python", import.meta.url));
  if (!existsSync(python)) {
    execFileSync(path.join(import.meta.dirname, "setup.sh"), { stdio: "inherit" });
  }
  return python;
}
