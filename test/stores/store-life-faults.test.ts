import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore, SparseEncoderError, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { copyStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allCalls, DiskFaults } from "../fakes/disk-faults.ts";

/** Calls from one failure to the next: 1 makes all fail, which takes two minutes. */
const step = Number(process.env.DISK_FAULT_STEP ?? 7);

const faults = new DiskFaults();
let base: string;
beforeAll(async () => {
  base = await mkdtemp(path.join(tmpdir(), "life-faults-"));
  await faults.install(base, allCalls);
});
afterAll(async () => {
  faults.end();
  faults.uninstall();
  await rm(base, { recursive: true, force: true });
});

const documentOf = (id: string): StoredDocument => ({
  id,
  text: id,
  metadata: { id },
  vectors: { sparse: SparseVector.from({ 1: 1 }, 10) },
});

/** Resolves with what a call gave; undefined for one that was refused, which it must be by an error of this library. */
async function attempted<Result>(what: string, call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (SparseEncoderError.is(error, "STORE_FAILED") || SparseEncoderError.is(error, "STORE_LOCKED"))
      return undefined;
    throw new Error(`${what}: ${String(error)}`, { cause: error });
  }
}

/** A whole life of a store in which the call of this number fails; resolves with false if no call had it. */
async function live(number: number, code: string): Promise<boolean> {
  const when = `${code} at call ${number}`;
  const folder = path.join(base, `${code}-${number}`);
  const kept = new Set<string>();
  const deleted = new Set<string>();
  const other = new MemoryStore();
  await other.upsert([documentOf("copied")]);
  faults.plan(number, 1, code);
  for (let opening = 0; opening < 2; opening++) {
    const store = await attempted(when, MemoryStore.open(folder));
    if (store === undefined) continue;
    for (const id of [`a${opening}`, `b${opening}`, `c${opening}`]) {
      const call = store.upsert([documentOf(id)]).then(() => true);
      if (await attempted(when, call)) kept.add(id);
    }
    if ((await attempted(when, store.delete({ ids: [`b${opening}`] }))) === 1) deleted.add(`b${opening}`);
    await attempted(when, store.snapshot());
    if (await attempted(when, copyStore(other, store, { sample: 0 }))) kept.add("copied");
    if (
      await attempted(
        when,
        store.upsert([documentOf(`d${opening}`)]).then(() => true),
      )
    )
      kept.add(`d${opening}`);
    await attempted(when, store.close());
  }
  const { failed } = faults;
  faults.end();
  // A lock that could not be removed is this process's own.
  await rm(path.join(folder, "lock"), { force: true });
  const copy = `${folder}-copy`;
  const isThere = await cp(folder, copy, { recursive: true }).then(
    () => true,
    () => false,
  );
  if (isThere) {
    const store = await MemoryStore.open(copy).catch((error: Error) => {
      throw new Error(`${when}: the store does not open: ${error.message}`, { cause: error });
    });
    const ids = new Set<string>();
    for await (const { id } of store.iterate()) ids.add(id);
    for (const id of kept) if (!deleted.has(id)) expect(ids.has(id), `${when}: ${id} is lost`).toBe(true);
    for (const id of deleted) expect(ids.has(id), `${when}: ${id} is back`).toBe(false);
    await store.close();
  }
  return failed > 0;
}

describe("any one call to the disk that fails, from the first opening to the last close, loses nothing acknowledged", () => {
  it.each(["EIO", "ENOSPC", "EMFILE"])(
    "%s",
    async (code) => {
      let number = code.length % step;
      while (await live(number, code)) number += step;
      expect(number).toBeGreaterThan(100);
    },
    300_000,
  );
});
