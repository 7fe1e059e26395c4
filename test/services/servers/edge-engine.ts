import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Refusal } from "../../fakes/fake-server.ts";
import type { QdrantCall, QdrantEngine } from "../../fakes/qdrant/qdrant-engine.ts";

const program = fileURLToPath(new URL("qdrant/engine.py", import.meta.url));

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Qdrant's own engine, `qdrant-edge-py`, in a Python process. It ends when its input does, so with this process at the latest. */
export class EdgeEngine implements QdrantEngine {
  private readonly folder: string;
  private readonly child: ChildProcess;
  private readonly waiting: Waiting[] = [];
  private said = "";

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.child = child;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const { result, error } = JSON.parse(line) as { result?: unknown; error?: string };
      const { resolve, reject } = this.waiting.shift()!;
      if (error === undefined) resolve(result);
      else reject(new Refusal(400, error));
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      this.said = (this.said + chunk.toString()).slice(-4000);
    });
    child.on("close", () => {
      for (const { reject } of this.waiting.splice(0))
        reject(new Error(`Qdrant's engine ended: ${this.said}`));
    });
  }

  /** @param python the interpreter of an environment that has `qdrant-edge-py` */
  static async start(python: string): Promise<EdgeEngine> {
    const folder = await mkdtemp(path.join(tmpdir(), "qdrant-"));
    const child = spawn(python, [program, folder], { stdio: ["pipe", "pipe", "pipe"] });
    await once(child, "spawn");
    return new EdgeEngine(folder, child);
  }

  ask(call: QdrantCall, collection: string, body: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.child.stdin!.write(`${JSON.stringify({ call, collection, body })}\n`);
    });
  }

  async stop(): Promise<void> {
    const exit = once(this.child, "close");
    this.child.kill("SIGKILL");
    await exit;
    await rm(this.folder, { recursive: true, force: true });
  }
}
