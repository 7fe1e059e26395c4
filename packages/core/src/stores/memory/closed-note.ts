import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { corrupt, readRegularText, syncFolder, writeAll, writeWholeFile } from "../../disk/index.ts";

const name = "closed";

/** Several times the bytes of a note. */
const mostBytes = 1000;

/** Which journal was the last one, and its length, when a store was closed in good order. */
export interface ClosedNote {
  readonly generation: number;
  readonly length: number;
}

/** Leaves the note in a folder, durably. Errors of the file system as they are. */
export async function writeClosedNote(folder: string, { generation, length }: ClosedNote): Promise<void> {
  const file = path.join(folder, name);
  const text = `${generation} ${length}`;
  const note = Buffer.from(`${text} ${digest(text)}\n`, "latin1");
  await writeWholeFile(file, (handle) => writeAll(handle, note));
}

/** @throws SparseEncoderError `STORE_CORRUPT`; errors of the file system as they are */
export async function readClosedNote(folder: string): Promise<ClosedNote | undefined> {
  const file = path.join(folder, name);
  let content: string;
  try {
    content = await readRegularText(file, mostBytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const [, text, sha256] = /^(\d+ \d+) ([0-9a-f]{64})\n$/.exec(content) ?? [];
  if (text === undefined || sha256 !== digest(text)) throw corrupt(file, "its checksum is wrong");
  const [generation, length] = text.split(" ").map(Number);
  return { generation: generation!, length: length! };
}

export async function removeClosedNote(folder: string): Promise<void> {
  await rm(path.join(folder, name), { force: true });
  await syncFolder(folder);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
