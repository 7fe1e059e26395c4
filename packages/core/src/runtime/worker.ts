import { getPriority, setPriority } from "node:os";
import { threadId } from "node:worker_threads";
import { Piscina, transferableSymbol, valueSymbol } from "piscina";
import { messageOf } from "../errors.ts";
import { pairTokens } from "./device/device.ts";
import { isOutOfMemory } from "./device/device-failure.ts";
import { encodeInMemory } from "./device/device-memory.ts";
import type { EncodedRows, WorkerAnswer, WorkerSetup, WorkerTask } from "./messages.ts";
import { ModelError } from "./model-error.ts";
import { RunGate } from "./run-gate.ts";
import { type GraphKind, Session } from "./session.ts";

/** Entry of a worker thread. It opens its session at the first task and keeps it. */

const setup = Piscina.workerData as WorkerSetup;
const gate = new RunGate(setup.gate);
/**
 * Most tokens of a batch, padding included, for the graph that is tuned for few: beyond, the other graphs are faster even
 * when they run alone.
 */
const shortTokens = 32;

/** Milliseconds that a worker stays for its last answer to leave. */
const lastWords = 200;

/** By graph and number of threads; opened when they are needed, and kept. */
const sessions = new Map<string, Promise<Session | undefined>>();
/** What all but short batches run in. */
let throughput: GraphKind =
  setup.model.wide !== undefined ? "wide" : setup.model.screened === undefined ? "whole" : "screened";

giveWay();

/** Carries out one task; the buffers of rows are moved to the main thread, not copied. */
export async function runTask(task: WorkerTask): Promise<WorkerAnswer | ReturnType<typeof Piscina.move>> {
  try {
    if (task === "open")
      return (await sessionFor(setup.opensAlone, 0, 0)) === undefined ? "stopping" : "ready";
    const session = await sessionFor(task.alone, task.ids.length, task.lengths.length);
    if (session === undefined) return "stopping";
    const rows = await gate.pass(() => encodeInMemory(session, task));
    if (session.screensInVain) await giveUpScreening();
    return rows === undefined ? "stopping" : Piscina.move(new MovedRows(rows));
  } catch (error) {
    if (error instanceof ModelError) return { fault: error.message };
    if (sessions.size > 0 || !isOutOfMemory(error)) throw error;
    // Other workers have the model open, and this one cannot while they do. The answer has to leave the thread first.
    setTimeout(() => process.exit(), lastWords);
    return { crowded: messageOf(error), thread: threadId };
  }
}

function sessionFor(alone: boolean, tokens: number, texts: number): Promise<Session | undefined> {
  const threads = alone ? setup.aloneThreads : setup.threads;
  // By the length and nothing else, so that a text runs in the same graph whatever else is encoded.
  if (texts === 1 && tokens > pairTokens && setup.model.long !== undefined && throughput !== "wide") {
    const screens = throughput === "screened" && setup.model.long.screened !== undefined;
    return open(screens ? "screened long" : "long", threads);
  }
  const short =
    alone && tokens <= shortTokens && setup.model.shortBytes !== undefined && throughput !== "wide";
  return open(short ? "short" : throughput, threads);
}

function open(graph: GraphKind, threads: number): Promise<Session | undefined> {
  const key = `${graph} ${threads}`;
  const known = sessions.get(key);
  if (known !== undefined) return known;
  const opening = gate.pass(() => Session.open(setup, graph, threads));
  sessions.set(key, opening);
  // What failed for want of memory may succeed the next time.
  opening.catch(() => sessions.delete(key));
  return opening;
}

/** A worker carries out one task at a time, so nothing else uses the sessions. */
async function giveUpScreening(): Promise<void> {
  throughput = "whole";
  for (const [key, opened] of sessions) {
    if (!key.startsWith("screened")) continue;
    sessions.delete(key);
    const session = await opened;
    await gate.pass(async () => session?.release());
  }
}

/** Rows whose buffers piscina moves. */
class MovedRows {
  private readonly rows: EncodedRows;

  constructor(rows: EncodedRows) {
    this.rows = rows;
  }

  get [transferableSymbol](): ArrayBufferLike[] {
    return Object.values(this.rows).map((values: Uint32Array | Float32Array) => values.buffer);
  }

  get [valueSymbol](): EncodedRows {
    return this.rows;
  }
}

/**
 * Lets the main thread go first when there are more threads than cores. Linux sets the priority of the calling thread
 * and of the threads that it starts; other systems would set the priority of the whole process.
 */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(Math.min(getPriority() + 8, 19));
  } catch {
    // A sandbox may forbid that; encoding works at the usual priority.
  }
}
