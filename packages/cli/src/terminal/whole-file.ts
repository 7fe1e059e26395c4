import { open, realpath, rename, rm, stat } from "node:fs/promises";
import { CommandError } from "../command-error.ts";

/**
 * The file that an output takes the place of when it is complete: where a link points at.
 * @throws CommandError for what is there and is not a file: a rename would put a file in the place of a device
 */
export async function outputTarget(output: string): Promise<string> {
  // What cannot be looked at has a message where it is opened.
  const target = await realpath(output).catch(() => undefined);
  if (target === undefined) return output;
  const there = await stat(target);
  if (there.isFile()) return target;
  const kind = there.isDirectory() ? "a folder" : "not a regular file";
  const advice = there.isDirectory() ? "" : "; leave the option out and redirect standard output";
  throw new CommandError(`${output} cannot be written: it is ${kind}${advice}.`);
}

/** Writes a file under a temporary name, and gives it its name when it is on the disk. */
export async function writeWholeFile(output: string, content: string | Uint8Array): Promise<void> {
  const file = await outputTarget(output);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
