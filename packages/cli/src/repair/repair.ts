import { stat } from "node:fs/promises";
import path from "node:path";
import { MemoryStore } from "@sparse-encoder/core";
import { indexPaths, readDescription, writeDescription } from "../collection/index-description.ts";
import { CommandError, usageError } from "../command-error.ts";
import { note, writeJson, writeLine } from "../terminal/standard-output.ts";
import { table } from "../terminal/table.ts";

export interface RepairCommandOptions {
  readonly tenant?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** What a repair finds, and does if it is told to. */
type Report = Awaited<ReturnType<typeof MemoryStore.repair>>;

/**
 * Shows what is damaged in a store, and drops it only if it is told to, after it was shown.
 * @throws CommandError if the store is damaged and stays so
 */
export async function repair(
  folder: string,
  { tenant, yes = false, json = false }: RepairCommandOptions,
): Promise<void> {
  const index = await readDescription(folder);
  const store = index === undefined ? folder : indexPaths(folder).store;
  if (!(await isFolder(store))) throw usageError(`There is no index and no store in ${folder}.`);
  const found = await MemoryStore.repair(store, { tenant });
  if (!json) await show(store, found);
  const applies = yes && !found.isSound;
  const report = applies ? await MemoryStore.repair(store, { tenant, apply: true }) : found;
  if (json) await writeJson(report);
  if (found.isSound) return;
  if (!applies) throw new CommandError("Nothing was changed. Add --yes to drop these parts.");
  note(
    `Repaired: ${documents(report.documents)}. The damaged files are kept, with .damaged behind their names.`,
  );
  if (index === undefined) return;
  // Nobody knows which passages were lost, so all files count as changed.
  const files = Object.entries(index.files).map(([name, file]) => [name, { ...file, hash: "" }] as const);
  await writeDescription(folder, { ...index, state: "writing", files: Object.fromEntries(files) });
  note("Run sparse-encoder index again with the folders of this index, to fill what was lost.");
}

async function show(store: string, { isSound, documents: count, dropped }: Report): Promise<void> {
  if (isSound) {
    await writeLine(`${store} is sound: ${documents(count)}.`);
    return;
  }
  const rows = dropped.map(({ file, from, to, reason }) => [path.basename(file), `${from}`, `${to}`, reason]);
  const columns = [
    { heading: "file" },
    { heading: "from byte", isNumeric: true },
    { heading: "to byte", isNumeric: true },
    { heading: "what is wrong" },
  ];
  await writeLine(`${store} is damaged. A repair keeps ${documents(count)} and drops:\n`);
  await writeLine(table(columns, rows));
}

function documents(count: number): string {
  return count === 1 ? "1 document" : `${count} documents`;
}

async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
