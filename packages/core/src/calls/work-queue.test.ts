import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WorkQueue } from "./work-queue.ts";

/** Work that ends when it is told to, and a record of what was begun. */
class Steps {
  readonly begun: string[] = [];
  private readonly ends = new Map<string, () => void>();

  work(name: string): () => Promise<string> {
    return () => {
      this.begun.push(name);
      return new Promise((resolve) => this.ends.set(name, () => resolve(name)));
    };
  }

  async end(name: string): Promise<void> {
    this.ends.get(name)!();
    await turn();
  }
}

describe("a work queue", () => {
  it("begins at most a number of jobs at once, in their order", async () => {
    const queue = new WorkQueue(2);
    const steps = new Steps();
    const results = ["a", "b", "c", "d"].map((name) => queue.add(steps.work(name)));
    expect([steps.begun, queue.running, queue.waiting]).toEqual([["a", "b"], 2, 2]);
    await steps.end("b");
    expect([steps.begun, queue.running, queue.waiting]).toEqual([["a", "b", "c"], 2, 1]);
    for (const name of ["a", "c", "d"]) await steps.end(name);
    expect(await Promise.all(results)).toEqual(["a", "b", "c", "d"]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it("drops what is not wanted when its turn comes, and counts it no more", async () => {
    const queue = new WorkQueue(1);
    const steps = new Steps();
    let wanted = true;
    const first = queue.add(steps.work("first"));
    const unwanted = Array.from({ length: 1000 }, () => queue.add(steps.work("unwanted"), () => wanted));
    const outcomes = Promise.allSettled(unwanted);
    const last = queue.add(steps.work("last"));
    expect(queue.waiting).toBe(1001);
    wanted = false;
    expect(queue.waiting).toBe(1);
    await steps.end("first");
    expect(steps.begun).toEqual(["first", "last"]);
    await steps.end("last");
    expect(await Promise.all([first, last])).toEqual(["first", "last"]);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "ABORTED" } });
    }
  });

  it("goes on after work that fails, and drops all that waits when told to", async () => {
    const queue = new WorkQueue(1);
    const failing = queue.add(() => Promise.reject(new Error("no")));
    const steps = new Steps();
    const running = queue.add(steps.work("running"));
    const waiting = queue.add(steps.work("waiting"));
    await expect(failing).rejects.toThrow("no");
    await turn();
    queue.dropAll(new Error("over"));
    await expect(waiting).rejects.toThrow("over");
    await steps.end("running");
    expect(await running).toBe("running");
    expect(steps.begun).toEqual(["running"]);
  });
});
