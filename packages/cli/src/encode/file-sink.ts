import { constants } from "node:fs";
import { access, type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { CommandError, messageOf, systemCode } from "../command-error.ts";
import { checkPacking, packBlock, packingOf } from "../input/packing.ts";
import type { BlockSink, EncodedBlock } from "./block-sink.ts";
import { Checkpoint, type RunSettings } from "./checkpoint.ts";
import { encodedLine, type LineOptions } from "./encoded-line.ts";

/** What happens to the unfinished output of an earlier run. */
export type EarlierRun = "refuse" | "resume" | "restart";

/**
 * Writes lines to `<path>.partial`, which gets its name when all are there. After each block, the checkpoint beside it says
 * how many bytes hold, so that a run that goes on cuts off what was written after it.
 */
export class FileSink implements BlockSink {
  private readonly file: FileHandle;
  private readonly path: string;
  private readonly checkpoint: Checkpoint;
  private readonly lines: LineOptions;

  private constructor(file: FileHandle, path: string, checkpoint: Checkpoint, lines: LineOptions) {
    this.file = file;
    this.path = path;
    this.checkpoint = checkpoint;
    this.lines = lines;
  }

  /** @throws CommandError if the file cannot be written, or an earlier run is in the way */
  static async open(
    output: string,
    settings: RunSettings,
    lines: LineOptions,
    earlier: EarlierRun,
  ): Promise<FileSink> {
    const { partial, checkpoint: checkpointPath } = namesOf(output);
    try {
      if (earlier === "restart") await rm(checkpointPath, { force: true });
      const saved = await Checkpoint.read(checkpointPath, settings);
      if (saved !== undefined && earlier === "refuse") {
        throw new CommandError(
          `${partial} is there from a run that did not end. Add --resume to go on, or --restart to begin again.`,
        );
      }
      const checkpoint = saved ?? Checkpoint.start(checkpointPath, settings);
      const file = await open(partial, saved === undefined ? "w" : "r+");
      try {
        if (saved === undefined) await checkpoint.write();
        else await cutTo(file, partial, saved.bytes);
        return new FileSink(file, output, checkpoint, lines);
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw unwritable(output, error);
    }
  }

  get stored(): number {
    return this.checkpoint.blocks;
  }

  async write({ records, vectors }: EncodedBlock): Promise<void> {
    const rows = [...vectors];
    const text = records.map((record, row) => encodedLine(record, rows[row]!, this.lines)).join("");
    const bytes = packBlock(Buffer.from(text), packingOf(this.path));
    try {
      await this.writeAt(bytes, this.checkpoint.bytes);
      await this.file.datasync();
      await this.checkpoint.addBlock(bytes.length);
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  async finish(): Promise<void> {
    try {
      await this.file.sync();
      await rename(namesOf(this.path).partial, this.path);
      await this.checkpoint.remove();
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private async writeAt(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const result = await this.file.write(bytes, written, bytes.length - written, position + written);
      written += result.bytesWritten;
    }
  }
}

/**
 * Refuses an output that cannot be written, before a model is loaded for nothing.
 * @throws CommandError
 */
export async function checkWritable(output: string): Promise<void> {
  checkPacking(packingOf(output));
  try {
    await access(path.dirname(output), constants.W_OK);
  } catch (error) {
    throw unwritable(output, error);
  }
}

/** Whether an output is complete: there, and without a run that is still to go on. */
export async function isComplete(output: string): Promise<boolean> {
  return (await exists(output)) && !(await exists(namesOf(output).checkpoint));
}

function namesOf(output: string): { readonly partial: string; readonly checkpoint: string } {
  return { partial: `${output}.partial`, checkpoint: `${output}.partial.json` };
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function cutTo(file: FileHandle, name: string, bytes: number): Promise<void> {
  const { size } = await file.stat();
  if (size < bytes) {
    throw new CommandError(
      `${name} has ${size} bytes, and its checkpoint says ${bytes}: the file was changed. Add --restart to begin again.`,
    );
  }
  await file.truncate(bytes);
}

function unwritable(output: string, error: unknown): unknown {
  if (error instanceof CommandError) return error;
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: "the disk is full. Free some space, then add --resume to go on",
    EDQUOT: "the quota of the disk is used up. Free some space, then add --resume to go on",
    ENOENT: `the folder ${path.dirname(output)} does not exist`,
    ENOTDIR: `${path.dirname(output)} is not a folder`,
    EACCES: "there is no permission",
    EROFS: "the file system is read-only",
    EISDIR: "it is a folder",
  };
  const reason = reasons[systemCode(error) ?? ""] ?? messageOf(error);
  return new CommandError(`${output} cannot be written: ${reason}.`, undefined, { cause: error });
}
