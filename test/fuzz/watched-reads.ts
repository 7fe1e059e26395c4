import fs from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";

/** Calls that read a file, or list a folder, by a path that is their first argument. */
const readingCalls = ["open", "readFile", "readdir", "opendir", "cp", "copyFile"] as const;

let foreign: string[] = [];

/** Notes each path outside of `folders` that is read from now on, in this process. */
export function watchReads(folders: readonly string[]): void {
  const real = folders.map((folder) => fs.realpathSync(folder));
  const note = (given: unknown) => {
    if (typeof given !== "string") return;
    const place = placeOf(given);
    if (!real.some((folder) => place === folder || place.startsWith(folder + path.sep))) foreign.push(place);
  };
  const owner = promises as unknown as Record<string, (...given: unknown[]) => unknown>;
  for (const name of readingCalls) {
    const original = owner[name]!;
    owner[name] = (...given: unknown[]) => {
      note(given[0]);
      return original.apply(promises, given);
    };
  }
  syncBuiltinESMExports();
}

/** What was noted since the last call. */
export function takeForeignReads(): string[] {
  const taken = foreign;
  foreign = [];
  return taken;
}

/** The path without links, as far as it exists. */
function placeOf(given: string): string {
  try {
    return fs.realpathSync(given);
  } catch {
    const parent = path.dirname(path.resolve(given));
    return path.join(parent === path.resolve(given) ? "" : placeOf(parent), path.basename(given));
  }
}
