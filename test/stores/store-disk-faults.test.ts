import fs, { cp, mkdtemp, open, rm } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore, SparseEncoderError, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

/** What a store calls that changes a folder or its files, or opens them. */
const folderCalls = ["open", "rename", "rm"] as const;
const fileCalls = ["write", "sync", "datasync", "truncate"] as const;

type Call = (...given: never[]) => Promise<unknown>;
type Calls = Record<string, Call>;

/** Makes the calls from `first` on fail, `count` of them; numbers of calls begin at 0. */
class DiskFaults {
  private readonly originals: [Calls, string, Call][] = [];
  private first = Number.POSITIVE_INFINITY;
  private count = 0;
  private code = "EIO";
  private calls = 0;
  failed = 0;

  async install(folder: string): Promise<void> {
    const handle = await open(path.join(folder, "probe"), "w");
    const prototype = Object.getPrototypeOf(handle) as Calls;
    await handle.close();
    for (const name of folderCalls) this.wrap(fs as unknown as Calls, name);
    for (const name of fileCalls) this.wrap(prototype, name);
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

const faults = new DiskFaults();
let folder: string;
beforeAll(async () => {
  const scratch = await mkdtemp(path.join(tmpdir(), "disk-faults-"));
  await faults.install(scratch);
  await rm(scratch, { recursive: true });
});
afterAll(() => faults.uninstall());
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "disk-faults-"));
});
afterEach(async () => {
  faults.end();
  await rm(folder, { recursive: true, force: true });
});

const documentOf = (id: string): StoredDocument => ({
  id,
  text: id,
  metadata: {},
  vectors: { sparse: SparseVector.from([[1, 1]], 10) },
});

/** Upserts, and adds the id to `acknowledged` if that succeeds. */
async function upsert(store: MemoryStore, id: string, acknowledged: string[]): Promise<void> {
  try {
    await store.upsert([documentOf(id)]);
    acknowledged.push(id);
  } catch (error) {
    expect(SparseEncoderError.is(error, "STORE_FAILED"), String(error)).toBe(true);
  }
}

/** @param undecided may be there too: refused writes that a disk which fails for good does not let a store take back */
async function expectReopens(
  at: string,
  acknowledged: readonly string[],
  when: string,
  undecided: readonly string[] = [],
): Promise<void> {
  let store: MemoryStore;
  try {
    store = await MemoryStore.open(at);
  } catch (error) {
    throw new Error(`${when}: the store does not open`, { cause: error });
  }
  const ids: string[] = [];
  for await (const { id } of store.iterate()) ids.push(id);
  const isDecided = (id: string) => acknowledged.includes(id) || !undecided.includes(id);
  expect(ids.filter(isDecided), when).toEqual(acknowledged.toSorted());
  await store.close();
}

/** How long calls fail: what runs meanwhile. */
const spans = ["one call", "the snapshot", "the next write too", "all until the end"] as const;

/** A store's life with calls that fail from `first` on, counted from the begin of a snapshot; true if any failed. */
async function live(first: number, span: (typeof spans)[number], code: string): Promise<boolean> {
  const when = `${code} from call ${first} on for ${span}`;
  const at = path.join(folder, `${first}`);
  const acknowledged: string[] = [];
  const store = await MemoryStore.open(at);
  for (const id of ["a", "b"]) await upsert(store, id, acknowledged);
  faults.plan(first, span === "one call" ? 1 : Number.POSITIVE_INFINITY, code);
  await store
    .snapshot()
    .catch((error: unknown) => expect(SparseEncoderError.is(error), String(error)).toBe(true));
  if (span === "the snapshot") faults.end();
  await upsert(store, "c", acknowledged);
  if (span === "the next write too") faults.end();
  await upsert(store, "d", acknowledged);
  const { failed } = faults;
  if (span !== "all until the end") {
    faults.end();
    // As a crash would leave it.
    await cp(at, `${at}-crash`, { recursive: true, filter: (name) => path.basename(name) !== "lock" });
    await expectReopens(`${at}-crash`, acknowledged, `${when}, then a crash`);
  }
  await store.close().catch(() => {});
  faults.end();
  // A lock that could not be let go is this process's own.
  await rm(path.join(at, "lock"), { force: true });
  const undecided = span === "all until the end" ? ["c", "d"] : [];
  await expectReopens(at, acknowledged, `${when}, then close()`, undecided);
  return failed > 0;
}

describe("a disk that fails while a journal and a snapshot begin loses nothing acknowledged and locks nothing away", () => {
  it.each(spans.flatMap((span) => (["EIO", "EMFILE"] as const).map((code) => [span, code] as const)))(
    "%s (%s)",
    async (span, code) => {
      let first = 0;
      while (await live(first, span, code)) first++;
      // The journal and the snapshot are each opened, written, synced and renamed.
      expect(first).toBeGreaterThan(12);
    },
  );

  it("a snapshot that failed succeeds once the disk is well", async () => {
    const store = await MemoryStore.open(folder);
    const acknowledged: string[] = [];
    await upsert(store, "a", acknowledged);
    for (let first = 0; first < 8; first++) {
      faults.plan(first, 1, "EIO");
      await store.snapshot().catch(() => {});
      faults.end();
      await store.snapshot();
      await upsert(store, `b${first}`, acknowledged);
    }
    await store.close();
    await expectReopens(folder, acknowledged, "after all");
  });
});
