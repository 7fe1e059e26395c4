import { CommandError } from "../command-error.ts";
import { rootsOf } from "../folder/find-files.ts";
import { Interruption } from "../interruption.ts";
import { plainText } from "../terminal/plain-text.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { note, writeJson, writeLine } from "../terminal/standard-output.ts";
import { Collection, type CollectionOptions } from "./collection.ts";
import { updateCollection } from "./update-collection.ts";

/** Options of the command. */
export interface IndexOptions extends CollectionOptions {
  readonly index: string;
  readonly json?: boolean | undefined;
}

/** Brings an index up to date with folders, and says what changed. */
export async function indexFolders(folders: readonly string[], options: IndexOptions): Promise<void> {
  const roots = rootsOf(folders);
  using interruption = new Interruption();
  const { signal } = interruption;
  await using collection = await Collection.open(options.index, options, signal, "write");
  using line = new ProgressLine();
  const result = await updateCollection(collection, roots, {
    signal,
    onFile: (done, name) => line.show(`Indexing file ${done}: ${name}`),
  });
  line[Symbol.dispose]();
  for (const { file, problem } of result.failed) note(`${plainText(file)}: ${plainText(problem)}; left out.`);
  const { added, changed, unchanged, removed, passages } = result;
  if (options.json) await writeJson(result);
  else {
    await writeLine(
      `${added} files added, ${changed} changed, ${removed} removed, ${unchanged} unchanged: ${passages} passages in ${options.index}`,
    );
  }
  if (added + changed + unchanged === 0 && result.failed.length > 0)
    throw new CommandError("No file could be read.");
}
