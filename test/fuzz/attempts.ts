import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { SparseEncoderError } from "../../packages/core/src/errors.ts";
import { Random } from "./mutations.ts";
import { takeForeignReads } from "./watched-reads.ts";

/** Longest message of an error: whatever a file says, it must be read by people. */
const longestMessage = 2000;

/**
 * Tries one hostile input in an empty folder; resolves, or rejects with what the library threw. All that happens follows from
 * the numbers of `random`.
 */
export type Attempt = (random: Random, scratch: string) => Promise<void>;

/** What came of an attempt. */
export type Outcome = "accepted" | "refused";

/** What may go wrong. A crash and a hang show outside of the process only. */
export const faultKinds = [
  "crash",
  "hang",
  "raw error",
  "long message",
  "read outside",
  "silent acceptance",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** An attempt that went wrong. */
export class Fault extends Error {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** The library took an input and did something else with it than it promises. */
export function silentAcceptance(what: string): Fault {
  return new Fault("silent acceptance", what);
}

/**
 * Makes one attempt. Its seed says everything about it.
 * @throws Fault
 */
export async function attempt(read: Attempt, seed: number, scratch: string): Promise<Outcome> {
  emptyFolder(scratch);
  takeForeignReads();
  const outcome = await outcomeOf(read(new Random(seed), scratch), seed);
  const [foreign] = takeForeignReads();
  if (foreign !== undefined) throw new Fault("read outside", `seed ${seed}: ${foreign}`);
  return outcome;
}

async function outcomeOf(work: Promise<void>, seed: number): Promise<Outcome> {
  try {
    await work;
    return "accepted";
  } catch (error) {
    if (error instanceof Fault) throw new Fault(error.kind, `seed ${seed}: ${error.message}`, error.cause);
    checkError(error, `seed ${seed}`);
    return "refused";
  }
}

/** @throws Fault for an error of another kind than the library's, or one that is too long */
export function checkError(error: unknown, what: string): asserts error is SparseEncoderError {
  if (!SparseEncoderError.is(error)) throw new Fault("raw error", what, error);
  const { length } = error.message;
  if (length > longestMessage) throw new Fault("long message", `${what}: ${length} characters`, error);
}

/** Empties a folder that an attempt wrote to. */
function emptyFolder(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true, force: true });
}
