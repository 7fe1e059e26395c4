import { open, readFile, rename, rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { CommandError, messageOf, systemCode } from "../command-error.ts";

/** Of the checkpoint files. A newer one is refused. */
const formatVersion = 1;

/** What makes the output of a run: a run that goes on must have the same. */
export type RunSettings = Readonly<Record<string, unknown>>;

/** How far a run has come. */
interface Progress {
  /** Blocks of the shard that are stored. */
  readonly blocks: number;
  /** Bytes of the output that hold them; 0 for stores. */
  readonly bytes: number;
}

/** How far a run has come, in a file beside its output, so that a later run can go on. */
export class Checkpoint {
  private readonly path: string | undefined;
  private readonly settings: RunSettings;
  private progress: Progress;

  private constructor(path: string | undefined, settings: RunSettings, progress: Progress) {
    this.path = path;
    this.settings = settings;
    this.progress = progress;
  }

  /** @param path undefined for a run that cannot go on after it was killed */
  static start(path: string | undefined, settings: RunSettings): Checkpoint {
    return new Checkpoint(path, settings, { blocks: 0, bytes: 0 });
  }

  /**
   * The checkpoint of an earlier run; undefined if there is none.
   * @throws CommandError if it is broken, or of a run with other settings
   */
  static async read(path: string, settings: RunSettings): Promise<Checkpoint | undefined> {
    const progress = await readProgress(path, settings);
    return progress && new Checkpoint(path, settings, progress);
  }

  get blocks(): number {
    return this.progress.blocks;
  }

  get bytes(): number {
    return this.progress.bytes;
  }

  /** Counts a block that is stored; the count is on the disk when the call resolves. */
  async addBlock(bytes: number): Promise<void> {
    const next = { blocks: this.blocks + 1, bytes: this.bytes + bytes };
    await this.write(next);
    this.progress = next;
  }

  /** Replaces the file; it is on the disk when the call resolves. */
  async write(progress = this.progress): Promise<void> {
    const { path, settings } = this;
    if (path === undefined) return;
    const temporary = `${path}.tmp`;
    const file = await open(temporary, "w");
    try {
      await file.writeFile(`${JSON.stringify({ version: formatVersion, settings, checkpoint: progress })}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  }

  async remove(): Promise<void> {
    if (this.path !== undefined) await rm(this.path, { force: true });
  }
}

async function readProgress(path: string, settings: RunSettings): Promise<Progress | undefined> {
  let saved: { version?: unknown; settings?: RunSettings; checkpoint?: Progress };
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
