import { createHash } from "node:crypto";
import fs, { type FileHandle, mkdir, open, rm, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";

type Method = (this: FileHandle, ...given: never[]) => Promise<unknown>;
type Methods = Record<string, Method>;

/** What was asked of the disk, in order. Files are known by number, since names move. */
type Event =
  | { readonly type: "create" | "unlink"; readonly name: string; readonly file: number }
  | { readonly type: "rename"; readonly name: string; readonly to: string; readonly file: number }
  | { readonly type: "write"; readonly file: number; readonly at: number; readonly bytes: Buffer }
  | { readonly type: "truncate"; readonly file: number; readonly length: number }
  | { readonly type: "flush"; readonly file: number }
  | { readonly type: "flushFolder" };

/** Bytes that a disk writes together. */
const sector = 512;

/**
 * A fake: notes what a store asks of the files of one folder, and makes what may be left of them when the machine loses its
 * power after any of these requests. What was flushed is there. Of what was not, any sector may be missing and read as
 * zeros, lengths may be old ones, and names may be as they were at the last flush of the folder, or some of the changes
 * since made without others. Lock files are left out.
 */
export class PowerLossDisk {
  readonly events: Event[] = [];
  private readonly folder: string;
  private readonly originals: [object, string, unknown][] = [];
  private readonly handles = new WeakMap<FileHandle, { file: number; position: number }>();
  private readonly folders = new WeakSet<FileHandle>();
  private readonly names = new Map<string, number>();
  private files = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  async install(): Promise<void> {
    const disk = this;
    const probe = await open(path.dirname(this.folder), "r");
    const prototype = Object.getPrototypeOf(probe) as Methods;
    await probe.close();
    this.wrapFs("open", async (original, [file, flags]: [string, string | number]) => {
      const handle = (await original(file, flags)) as FileHandle;
      if (path.resolve(file) === this.folder) this.folders.add(handle);
      if (!this.isNoted(file)) return handle;
      const name = path.basename(file);
      if (!this.names.has(name)) {
        this.names.set(name, this.files);
        this.events.push({ type: "create", name, file: this.files++ });
      }
      this.handles.set(handle, { file: this.names.get(name)!, position: 0 });
      return handle;
    });
    this.wrapFs("rename", async (original, [from, to]: [string, string]) => {
      await original(from, to);
      if (!this.isNoted(from)) return;
      const file = this.names.get(path.basename(from))!;
      this.names.delete(path.basename(from));
      this.names.set(path.basename(to), file);
      this.events.push({ type: "rename", name: path.basename(from), to: path.basename(to), file });
    });
    this.wrapFs("rm", async (original, [file, options]: [string, object]) => {
      await original(file, options);
      const number = this.names.get(path.basename(file));
      if (!this.isNoted(file) || number === undefined) return;
      this.names.delete(path.basename(file));
      this.events.push({ type: "unlink", name: path.basename(file), file: number });
    });
    this.wrap(prototype, "write", function (original, [bytes, start, length, at]) {
      const noted = disk.handles.get(this);
      const place = (at as number | null | undefined) ?? noted?.position ?? 0;
      return original.call(this, ...([bytes, start, length, at] as never[])).then((result) => {
        const { bytesWritten } = result as { bytesWritten: number };
        if (noted !== undefined) {
          const from = start as number;
          const content = Buffer.from((bytes as Uint8Array).subarray(from, from + bytesWritten));
          disk.events.push({ type: "write", file: noted.file, at: place, bytes: content });
          noted.position = place + bytesWritten;
        }
        return result;
      });
    });
    this.wrap(prototype, "truncate", async function (original, [length]) {
      await original.call(this, ...([length] as never[]));
      const noted = disk.handles.get(this);
      if (noted !== undefined)
        disk.events.push({ type: "truncate", file: noted.file, length: length as number });
    });
    for (const name of ["sync", "datasync"]) {
      this.wrap(prototype, name, async function (original) {
        await original.call(this);
        const noted = disk.handles.get(this);
        if (noted !== undefined) disk.events.push({ type: "flush", file: noted.file });
        if (disk.folders.has(this)) disk.events.push({ type: "flushFolder" });
      });
    }
    syncBuiltinESMExports();
  }

  uninstall(): void {
    for (const [owner, name, original] of this.originals) Object.assign(owner, { [name]: original });
    syncBuiltinESMExports();
  }

  /**
   * Makes the folder as it may be after a loss of power behind a number of events.
   * @param random whole numbers below a bound; undefined for the end of the process only, after which the disk has all
   */
  async crash(count: number, into: string, random: ((below: number) => number) | undefined): Promise<void> {
    await rm(into, { recursive: true, force: true });
    await mkdir(into, { recursive: true });
    for (const [name, file] of this.namesAfter(count, random)) {
      await writeFile(path.join(into, name), this.contentAfter(count, file, random));
    }
  }

  private namesAfter(count: number, random: ((below: number) => number) | undefined): Map<string, number> {
    const events = this.events.slice(0, count);
    const flushed = events.findLastIndex(({ type }) => type === "flushFolder");
    const names = new Map<string, number>();
    // Half of the time the changes are made in order up to some point, as journals of file systems do.
    const isOrdered = random !== undefined && random(2) === 0;
    const last = isOrdered ? flushed + random(count - flushed + 1) : count;
    for (const [position, event] of events.entries()) {
      const isLost =
        position > flushed && (isOrdered ? position > last : random !== undefined && random(2) === 0);
      if (isLost) continue;
      if (event.type === "create") names.set(event.name, event.file);
      if (event.type === "unlink") names.delete(event.name);
      if (event.type === "rename") {
        names.delete(event.name);
        names.set(event.to, event.file);
      }
    }
    return names;
  }

  private contentAfter(count: number, file: number, random: ((below: number) => number) | undefined): Buffer {
    const events = this.events.slice(0, count).filter((event) => "file" in event && event.file === file);
    const flushed = events.findLastIndex(({ type }) => type === "flush");
    let bytes = Buffer.alloc(0);
    const resize = (length: number) => {
      const resized = Buffer.alloc(length);
      bytes.copy(resized);
      bytes = resized;
    };
    for (const [position, event] of events.entries()) {
      const mayBeLost = random !== undefined && position > flushed;
      if (event.type === "truncate" && !(mayBeLost && random(2) === 0)) resize(event.length);
      if (event.type !== "write") continue;
      const end = event.at + event.bytes.length;
      if (!mayBeLost) {
        resize(Math.max(bytes.length, end));
        event.bytes.copy(bytes, event.at);
        continue;
      }
      // The length may be written without the content, and parts of the content without the others.
      if (random(4) > 0)
        resize(Math.max(bytes.length, end - random(Math.min(2, end) + 1) * random(event.bytes.length)));
      const first = Math.floor(event.at / sector);
      for (let number = first; number * sector < end; number++) {
        if (random(2) === 0) continue;
        const [from, to] = [Math.max(event.at, number * sector), Math.min(end, (number + 1) * sector)];
        if (from < bytes.length) event.bytes.copy(bytes, from, from - event.at, to - event.at);
      }
    }
    return bytes;
  }

  private isNoted(file: string): boolean {
    return path.dirname(path.resolve(file)) === this.folder && !path.basename(file).startsWith("lock");
  }

  private wrapFs<Given extends unknown[]>(
    name: "open" | "rename" | "rm",
    replacement: (original: (...given: unknown[]) => Promise<unknown>, given: Given) => Promise<unknown>,
  ): void {
    const original = fs[name] as (...given: unknown[]) => Promise<unknown>;
    this.originals.push([fs, name, original]);
    Object.assign(fs, { [name]: (...given: Given) => replacement(original, given) });
  }

  private wrap(
    prototype: Methods,
    name: string,
    replacement: (this: FileHandle, original: Method, given: unknown[]) => Promise<unknown>,
  ): void {
    const original = prototype[name]!;
    this.originals.push([prototype, name, original]);
    prototype[name] = function (...given) {
      return replacement.call(this, original, given);
    };
  }
}

/** Whole numbers below a bound that follow from a seed. */
export function randomOf(seed: string): (below: number) => number {
  let count = 0;
  return (below) => {
    const digest = createHash("sha256").update(`${seed} ${count++}`).digest();
    return digest.readUInt32LE(0) % below;
  };
}
