import { afterEach, expect, it, vi } from "vitest";
import { endAfterRuns } from "./exit-hold.ts";
import { RunGate } from "./run-gate.ts";

afterEach(() => vi.restoreAllMocks());

it("ends the process by a signal if a run never ends, and leaves it be if none is under way", async () => {
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  const [empty, busy] = [new RunGate(1), new RunGate(2)];
  endAfterRuns([empty], 20);
  expect(kill).not.toHaveBeenCalled();
  // This thread is in a run that ends when it is told to.
  // As a thread does that enters its first field.
  const fields = new Int32Array(busy.buffer);
  fields[1] = 7;
  endAfterRuns([empty, busy], 20);
  expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, "SIGKILL");
  kill.mockClear();
  fields[1] = 0;
  endAfterRuns([busy], 20);
  expect(kill).not.toHaveBeenCalled();
  expect(await busy.pass(async () => "a run after the end")).toBe(undefined);
});
