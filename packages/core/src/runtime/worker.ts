import { getPriority, setPriority } from "node:os";
import { Piscina } from "piscina";
import type { EncodedRows, WorkerSetup, WorkerTask } from "./messages.ts";
import { RunGate } from "./run-gate.ts";
import { Session, type SessionKind } from "./session.ts";

/** Entry of a worker thread. It opens its session at the first task and keeps it. */

const setup = Piscina.workerData as WorkerSetup;
const gate = new RunGate(setup.gate);
/** Opened when they are needed, and kept. */
const sessions = new Map<SessionKind, Promise<Session | undefined>>();
/** What batches among others run in. */
let shared: SessionKind = setup.screened === undefined ? "shared" : "screened";

giveWay();

/** Carries out one task; null if the pool is stopping. */
export async function runTask(task: WorkerTask): Promise<EncodedRows | null | "ready"> {
  const session = await open((task === "open" ? setup.opensAlone : task.alone) ? "alone" : shared);
  if (session === undefined) return null;
  if (task === "open") return "ready";
  const rows = await gate.pass(() => session.encode(task));
  if (session.screensInVain) await giveUpScreening(session);
  return rows === undefined ? null : transfer(rows);
}

function open(kind: SessionKind): Promise<Session | undefined> {
  const known = sessions.get(kind);
  if (known !== undefined) return known;
  const opening = gate.pass(() => Session.open(setup, kind));
  sessions.set(kind, opening);
  // What failed for want of memory may succeed the next time.
  opening.catch(() => sessions.delete(kind));
  return opening;
}

/** A worker carries out one task at a time, so nothing else uses the session. */
async function giveUpScreening(session: Session): Promise<void> {
  shared = "shared";
  sessions.delete("screened");
  await gate.pass(() => session.release());
}

/** Marks the buffers of the rows to be moved to the main thread, not copied. */
function transfer(rows: EncodedRows): EncodedRows {
  const buffers = Object.values(rows).map((values: Uint32Array | Float32Array) => values.buffer);
  return Piscina.move({
    get [Piscina.transferableSymbol]() {
      return buffers;
    },
    get [Piscina.valueSymbol]() {
      return rows;
    },
  } as never) as unknown as EncodedRows;
}

/**
 * Lets the main thread go first when there are more threads than cores. Linux sets the priority of the calling thread
 * and of those that it starts; other systems would set that of the whole process.
 */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(Math.min(getPriority() + 8, 19));
  } catch {
    // A sandbox may forbid it, and encoding works without.
  }
}
