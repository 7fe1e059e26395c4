import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { SparseEncoderError } from "../../errors.ts";

/** Most characters of a line, several times the longest text. A small packed file may hold one endless line. */
const longestLine = 256 << 20;

/** A file by its path, or the contents of one under a name, which stands in messages. */
export type DataFile = string | { readonly name: string; readonly content: string };

/** A line of a text file, numbered from 1. */
export interface FileLine {
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of a UTF-8 file that are not blank, read as they are taken; a path that ends in `.gz` is unpacked.
 * @throws SparseEncoderError `DATA_INVALID` if it cannot be read or is no UTF-8
 */
export async function* linesOf(source: DataFile): AsyncGenerator<FileLine, void, undefined> {
  if (typeof source === "object") yield* linesOfText(source.content);
  else yield* linesOfPath(source);
}

/** What messages call a file. */
export function nameOf(source: DataFile): string {
  return typeof source === "object" ? source.name : source;
}

function* linesOfText(content: string): Generator<FileLine, void, undefined> {
  const text = content.startsWith("\u{feff}") ? content.slice(1) : content;
  for (const [place, line] of text.split("\n").entries()) {
    if (line.trim() !== "") yield { number: place + 1, text: line.endsWith("\r") ? line.slice(0, -1) : line };
  }
}

async function* linesOfPath(path: string): AsyncGenerator<FileLine, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  /** The parts of the line that has not ended yet; joined once, since a line may be as long as the file. */
  let parts: string[] = [];
  let length = 0;
  let number = 0;
  try {
    const file = createReadStream(path);
    // `pipeline` ends one stream when the other fails; the error comes out of the loop.
    const bytes = path.endsWith(".gz") ? pipeline(file, createGunzip(), () => {}) : file;
    for await (const chunk of bytes) {
      const [first = "", ...others] = decoder.decode(chunk as Buffer, { stream: true }).split("\n");
      parts.push(first);
      length += first.length;
      if (length > longestLine) throw new Error(`a line has more than ${longestLine} characters`);
      for (const next of others) {
        const line = parts.join("");
        parts = [next];
        length = next.length;
        number++;
        if (line.trim() !== "") yield { number, text: line.endsWith("\r") ? line.slice(0, -1) : line };
      }
    }
    parts.push(decoder.decode());
  } catch (error) {
    if (error instanceof SparseEncoderError) throw error;
    const { message } = error as Error;
    throw new SparseEncoderError("DATA_INVALID", `Cannot read ${path} after line ${number}: ${message}.`, {
      cause: error,
    });
  }
  const rest = parts.join("");
  if (rest.trim() !== "") yield { number: number + 1, text: rest };
}

/** The error for a line that breaks the format of its file. */
export function badLine(source: DataFile, { number }: FileLine, problem: string): SparseEncoderError {
  return new SparseEncoderError("DATA_INVALID", `${nameOf(source)}, line ${number}: ${problem}.`);
}

/**
 * The first of these files that is there.
 * @throws SparseEncoderError `DATA_INVALID`
 */
export async function firstExisting(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new SparseEncoderError("DATA_INVALID", `There is no file ${paths.join(" or ")}.`);
}
