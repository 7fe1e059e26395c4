import type { RunGate } from "./run-gate.ts";

/**
 * How long the end of the process waits for runs, in milliseconds. A batch takes a second or two at most; a process must be
 * able to end even if a run never does.
 */
const exitPatience = 60_000;

/** The gates of live pools. */
const openGates = new Set<RunGate>();

/**
 * Makes the end of the process wait for runs in flight. The exit event comes before threads are ended, also after
 * `process.exit()` and an uncaught exception.
 */
export function holdExit(gate: RunGate): void {
  if (openGates.size === 0) process.on("exit", waitForRuns);
  openGates.add(gate);
}

export function releaseExit(gate: RunGate): void {
  openGates.delete(gate);
  if (openGates.size === 0) process.off("exit", waitForRuns);
}

function waitForRuns(): void {
  endAfterRuns(openGates, exitPatience);
}

/**
 * Closes the gates and blocks until no run is under way. If one still is after `patience` milliseconds, such as an endless
 * loop in an ONNX file, the process ends at once by a signal: it cannot end otherwise, since Node waits for each thread, and
 * the thread for its run.
 */
export function endAfterRuns(gates: Iterable<RunGate>, patience: number): void {
  const deadline = Date.now() + patience;
  for (const gate of gates) gate.close();
  for (const gate of gates) {
    if (!gate.waitUntilEmpty(Math.max(0, deadline - Date.now()))) process.kill(process.pid, "SIGKILL");
  }
}
