import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore, SparseEncoderError, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { changingCalls, DiskFaults } from "../fakes/disk-faults.ts";

const faults = new DiskFaults();
let folder: string;
beforeAll(async () => {
  const scratch = await mkdtemp(path.join(tmpdir(), "disk-faults-"));
  await faults.install(scratch, changingCalls);
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
