import { cp } from "node:fs/promises";
import { downloadModel, type LoadOptions } from "@sparse-encoder/core";
import { CommandError, messageOf, systemCode } from "../command-error.ts";
import { Interruption } from "../interruption.ts";
import { megabytes } from "../terminal/megabytes.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { writeLine } from "../terminal/standard-output.ts";

/** Which model `download` fetches, and where to. */
export interface DownloadTaskOptions {
  readonly model: string;
  readonly output?: string | undefined;
  readonly revision?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly offline?: boolean | undefined;
}

/** Fetches a model, copies it if told to, and writes where it is. */
export async function download(options: DownloadTaskOptions): Promise<void> {
  const { model, output, revision, cacheDir, offline } = options;
  using interruption = new Interruption();
  using line = new ProgressLine();
  const folder = await downloadModel(model, {
    revision,
    cacheDir,
    localFilesOnly: offline,
    signal: interruption.signal,
    onProgress: (progress) => line.show(downloadLine(progress)),
  });
  if (output !== undefined) await copyModel(folder, output);
  await writeLine(output ?? folder);
}

/** How far the download of a file is. */
export function downloadLine({
  file,
  received,
  total,
}: Parameters<NonNullable<LoadOptions["onProgress"]>>[0]): string {
  const whole = total === undefined ? "" : ` of ${megabytes(total)}`;
  return `Downloading ${file}: ${megabytes(received)}${whole} MB`;
}

/** Copies a model folder, files in place of links, into one that is not there yet. */
async function copyModel(folder: string, output: string): Promise<void> {
  try {
    await cp(folder, output, { recursive: true, dereference: true, errorOnExist: true, force: false });
  } catch (error) {
    const reason = systemCode(error)?.includes("EXIST") === true ? "it is there already" : messageOf(error);
    throw new CommandError(`The model cannot be copied to ${output}: ${reason}.`, undefined, {
      cause: error,
    });
  }
}
