import { open, readFile, rename, rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { CommandError, messageOf, systemCode } from "../command-error.ts";

/** Of the checkpoint files. A newer one is refused. */
const formatVersion = 1;

/** What makes the output of a run: a run that goes on must have the same. */
export type RunSettings = Readonly<Record<string, unknown>>;

/** How far a run has come. */
export interface Checkpoint {
  /** Blocks of the shard that are stored. */
  readonly blocks: number;
  /** Bytes of the output that hold them; 0 for stores. */
  readonly bytes: number;
}

/** Replaces the checkpoint; it is on the disk when the call resolves. */
export async function writeCheckpoint(
  path: string,
  settings: RunSettings,
  checkpoint: Checkpoint,
): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w");
  try {
    await file.writeFile(`${JSON.stringify({ version: formatVersion, settings, checkpoint })}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/**
 * The checkpoint of an earlier run; undefined if there is none.
 * @throws CommandError if it is broken, or of a run with other settings
 */
export async function readCheckpoint(path: string, settings: RunSettings): Promise<Checkpoint | undefined> {
  let saved: { version?: unknown; settings?: RunSettings; checkpoint?: Checkpoint };
  try {
    saved = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return undefined;
    throw new CommandError(`${path} cannot be read: ${messageOf(error)}. Add --restart to begin again.`);
  }
  if (saved.version !== formatVersion || saved.settings === undefined || saved.checkpoint === undefined) {
    throw new CommandError(`${path} is from another version. Add --restart to begin again.`);
  }
  const now = JSON.parse(JSON.stringify(settings)) as RunSettings;
  const names = new Set([...Object.keys(saved.settings), ...Object.keys(now)]);
  const changed = [...names].filter((name) => !isDeepStrictEqual(saved.settings![name], now[name]));
  if (changed.length > 0) {
    const changes = changed.map(
      (name) => `${name} was ${JSON.stringify(saved.settings![name])}, now ${JSON.stringify(now[name])}`,
    );
    throw new CommandError(
      `The run that began with ${path} had other settings: ${changes.join("; ")}. Use the same, or add --restart to begin again.`,
    );
  }
  return saved.checkpoint;
}

export async function removeCheckpoint(path: string): Promise<void> {
  await rm(path, { force: true });
}
