import { once } from "node:events";
import { CommandError, systemCode } from "../command-error.ts";

/** The reader of standard output has closed it, as `| head` does: what is left to write is not wanted. */
export class OutputClosed extends Error {}

let failure: Error | undefined;
let isWatched = false;

/** Takes note of failures from now on; without it, one that nobody waits for ends the process with a stack. */
export function watchOutput(): void {
  if (isWatched) return;
  isWatched = true;
  process.stdout.on("error", (error) => {
    failure = outputFailure(error);
  });
}

function outputFailure(error: Error): Error {
  const code = systemCode(error);
  if (code === "EPIPE") return new OutputClosed("Standard output was closed.");
  const reason = code === "ENOSPC" ? "the disk is full" : error.message;
  return new CommandError(`Standard output cannot be written: ${reason}.`);
}

/**
 * Writes to standard output and waits while its reader is slower.
 * @throws OutputClosed when the reader has gone; the error of the system for any other failure
 */
export async function writeOutput(data: string | Uint8Array): Promise<void> {
  watchOutput();
  if (failure !== undefined) throw failure;
  if (!process.stdout.write(data)) {
    // A broken pipe gives no `drain`. What has failed is in `failure`.
    await Promise.race([once(process.stdout, "drain"), once(process.stdout, "close")]).catch(() => {});
  }
  if (failure !== undefined) throw failure;
}

/** @throws as `writeOutput`, for what was written without it */
export async function checkOutput(): Promise<void> {
  // Errors of a file come a turn later.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure !== undefined) throw failure;
}

/** Writes a line to standard output. */
export function writeLine(line = ""): Promise<void> {
  return writeOutput(`${line}\n`);
}

/** Writes a value as indented JSON. */
export function writeJson(value: unknown): Promise<void> {
  return writeOutput(`${JSON.stringify(value, null, 2)}\n`);
}

/** Tells a person something on standard error. */
export function note(message: string): void {
  process.stderr.write(`${message}\n`);
}
