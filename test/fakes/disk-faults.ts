import fs, { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";

/** What a store calls that changes a folder or its files, or opens them. */
export const changingCalls = ["open", "rename", "rm", "write", "sync", "datasync", "truncate"] as const;

/** All that a store asks of the disk. */
export const allCalls = [
  ...changingCalls,
  ...(["mkdir", "readdir", "link", "readFile", "writeFile", "stat", "read", "close"] as const),
] as const;

type Call = (...given: never[]) => Promise<unknown>;
type Calls = Record<string, Call>;

/** A fake of a disk that fails: makes the calls from `first` on fail, `count` of them; numbers of calls begin at 0. */
export class DiskFaults {
  private readonly originals: [Calls, string, Call][] = [];
  private first = Number.POSITIVE_INFINITY;
  private count = 0;
  private code = "EIO";
  private calls = 0;
  failed = 0;

  /** @param names the calls that count and may fail */
  async install(folder: string, names: readonly string[]): Promise<void> {
    const handle = await open(path.join(folder, "probe"), "w");
    const prototype = Object.getPrototypeOf(handle) as Calls;
    await handle.close();
    for (const owner of [fs as unknown as Calls, prototype]) {
      for (const name of names) if (typeof owner[name] === "function") this.wrap(owner, name);
    }
    syncBuiltinESMExports();
  }

  uninstall(): void {
    for (const [owner, name, original] of this.originals) owner[name] = original;
    syncBuiltinESMExports();
  }

  plan(first: number, count: number, code: string): void {
    Object.assign(this, { first, count, code, calls: 0, failed: 0 });
  }

  end(): void {
    this.first = Number.POSITIVE_INFINITY;
  }

  private wrap(owner: Calls, name: string): void {
    const original = owner[name]!;
    this.originals.push([owner, name, original]);
    const faults = this;
    owner[name] = function (this: unknown, ...given: never[]) {
      const number = faults.calls++;
      if (number < faults.first || number >= faults.first + faults.count) return original.apply(this, given);
      faults.failed++;
      return Promise.reject(
        Object.assign(new Error(`${faults.code}: ${name}`), { code: faults.code, syscall: name }),
      );
    };
  }
}
