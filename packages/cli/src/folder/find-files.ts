import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { CommandError, systemCode, usageError } from "../command-error.ts";
import { knownEndings } from "./read-file-text.ts";

/** A file to index. */
export interface FoundFile {
  /** Where it is. */
  readonly path: string;
  /** Name in the index: the folder's own name and the path below it, between slashes. */
  readonly name: string;
}

/** A folder or file that was named, and its name in the index. */
export interface IndexedRoot {
  readonly path: string;
  readonly name: string;
}

/** Folders that hold no documents of their owner's. */
const skippedFolders = new Set(["node_modules", "__pycache__"]);

/** @throws CommandError if two of them have one name */
export function rootsOf(paths: readonly string[]): IndexedRoot[] {
  const roots = paths.map((given) => {
    const resolved = path.resolve(given);
    return { path: resolved, name: path.basename(resolved) || "root" };
  });
  for (const [position, { name, path: file }] of roots.entries()) {
    const other = roots.slice(0, position).find((root) => root.name === name);
    if (other !== undefined) {
      throw usageError(
        `${other.path} and ${file} have one name, by which the index tells files apart; rename one.`,
      );
    }
  }
  return roots;
}

/**
 * The files below a folder that can be read, in the order of their names. Hidden files and links are passed over: a link
 * could lead out of the folder.
 */
export async function* findFiles(
  root: IndexedRoot,
  skip: string,
): AsyncGenerator<FoundFile, void, undefined> {
  const found = await stat(root.path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") throw new CommandError(`There is no file or folder ${root.path}.`);
    throw error;
  });
  if (found.isDirectory()) yield* walk(root.path, root.name, path.resolve(skip));
  else yield { path: root.path, name: root.name };
}

async function* walk(folder: string, name: string, skip: string): AsyncGenerator<FoundFile, void, undefined> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    const inner = `${name}/${entry.name}`;
    if (entry.name.startsWith(".") || file === skip) continue;
    if (entry.isDirectory() && !skippedFolders.has(entry.name)) yield* walk(file, inner, skip);
    else if (entry.isFile() && knownEndings.includes(path.extname(entry.name).toLowerCase())) {
      yield { path: file, name: inner };
    }
  }
}
