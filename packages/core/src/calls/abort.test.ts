import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { Deadline, mapInParallel, onAbort, pause, unlessAborted } from "./index.ts";

const warnings: Error[] = [];
const collect = (warning: Error) => void warnings.push(warning);
process.on("warning", collect);
afterEach(() => void warnings.splice(0));

/** Warnings come in a later tick. */
async function warned(): Promise<Error[]> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return warnings;
}

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

describe("a signal that many calls share", () => {
  it("has one listener, none after the last call, and prints no warning", async () => {
    const { signal } = new AbortController();
    const ends: (() => void)[] = [];
    const calls = Array.from({ length: 50 }, () =>
      unlessAborted(signal, new Promise<void>((resolve) => ends.push(resolve))),
    );
    const pauses = Array.from({ length: 50 }, () => pause(1, signal));
    const deadlines = Array.from({ length: 50 }, () => new Deadline(signal, undefined, "Work"));
    const maps = Array.from({ length: 50 }, () => mapInParallel([1], 1, async (item) => item, signal));
    expect(listenersOf(signal)).toBe(1);
    for (const end of ends) end();
    await Promise.all([...calls, ...pauses, ...maps]);
    expect(listenersOf(signal)).toBe(1);
    for (const deadline of deadlines) deadline[Symbol.dispose]();
    expect(listenersOf(signal)).toBe(0);
    expect(await warned()).toEqual([]);
  });

  it("ends them all when it aborts", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const calls = Array.from({ length: 20 }, () => unlessAborted(signal, new Promise(() => {})));
    const pauses = Array.from({ length: 20 }, () => pause(60_000, signal));
    const deadline = new Deadline(signal, undefined, "Work");
    controller.abort(new Error("enough"));
    for (const outcome of await Promise.allSettled([...calls, ...pauses])) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "ABORTED" } });
    }
    expect(deadline.signal.reason).toMatchObject({ code: "ABORTED", cause: signal.reason });
    deadline[Symbol.dispose]();
    expect(listenersOf(signal)).toBe(0);
  });

  it("calls those only that still wait", () => {
    const controller = new AbortController();
    const called: string[] = [];
    const leave = onAbort(controller.signal, () => void called.push("left"));
    onAbort(controller.signal, () => void called.push("stayed"));
    leave();
    leave();
    controller.abort();
    expect(called).toEqual(["stayed"]);
  });
});
