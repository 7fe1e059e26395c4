import { Piscina } from "piscina";
import type { EncodedRows, WorkerSetup, WorkerTask } from "./messages.ts";
import { RunGate } from "./run-gate.ts";
import { Session } from "./session.ts";

/** Entry of a worker thread. It opens its session at the first task and keeps it. */

const setup = Piscina.workerData as WorkerSetup;
const gate = new RunGate(setup.gate);
let session: Session | undefined;

/** Carries out one task; null if the pool is stopping. */
export async function runTask(task: WorkerTask): Promise<EncodedRows | null | "ready"> {
  session ??= await gate.pass(() => Session.open(setup));
  if (session === undefined) return null;
  if (task === "open") return "ready";
  const opened = session;
  const rows = await gate.pass(() => opened.encode(task));
  return rows === undefined ? null : transfer(rows);
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
