import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { MemoryStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PowerLossDisk, randomOf } from "../fakes/power-loss-disk.ts";

/** Losses that are tried: 1,000 take about a minute. */
const losses = Number(process.env.POWER_LOSSES ?? 150);

let base: string;
let disk: PowerLossDisk;

/** What calls a store had made and acknowledged after a number of events of the disk. */
const history: { events: number; begun: number; acknowledged: number }[] = [];

/** The ids that are there after a number of calls. */
const states: string[][] = [[]];

const documentOf = (id: string, length: number): StoredDocument => ({
  id,
  text: id.repeat(length),
  metadata: {},
  vectors: { sparse: SparseVector.from({ 1: 1 }, 10), dense: Float32Array.of(1, length) },
});

/** A life of a store: documents short and long, deletions, snapshots, an end in good order and another opening. */
beforeAll(async () => {
  base = await mkdtemp(path.join(tmpdir(), "power-loss-"));
  const folder = path.join(base, "store");
  disk = new PowerLossDisk(folder);
  await disk.install();
  const random = randomOf("life");
  let store = await MemoryStore.open(folder, { journalBytes: 1 << 20 });
  const note = (begun: number, acknowledged: number) =>
    history.push({ events: disk.events.length, begun, acknowledged });
  note(0, 0);
  for (let call = 0; call < 60; call++) {
    const ids = states.at(-1)!;
    note(call + 1, call);
    if (call % 5 === 4) {
      const id = ids[random(ids.length)]!;
      await store.delete({ ids: [id] });
      states.push(ids.filter((other) => other !== id));
    } else {
      const id = `d${call}`;
      await store.upsert([documentOf(id, call % 3 === 0 ? 1 + random(4000) : 1 + random(20))]);
      states.push([...ids, id]);
    }
    note(call + 1, call + 1);
    if (call % 16 === 15) await store.snapshot();
    if (call === 40) {
      await store.close();
      store = await MemoryStore.open(folder, { journalBytes: 1 << 20 });
    }
    note(call + 1, call + 1);
  }
  await store.close();
  disk.uninstall();
});
afterAll(async () => {
  disk.uninstall();
  await rm(base, { recursive: true, force: true });
});

/** Opens what a loss of power left, adds to it, and opens it again. */
async function expectWhole(events: number, seed: string | undefined): Promise<void> {
  const when = `after event ${events} of ${disk.events.length} (${JSON.stringify(disk.events[events - 1]?.type)}), seed ${seed}`;
  const folder = path.join(base, "crashed");
  await disk.crash(events, folder, seed === undefined ? undefined : randomOf(seed));
  const { begun, acknowledged } = history.findLast((entry) => entry.events <= events) ?? {
    begun: 0,
    acknowledged: 0,
  };
  const idsOf = async (): Promise<string[]> => {
    const store = await MemoryStore.open(folder).catch((error: Error) => {
      throw new Error(`${when}: ${error.message}`, { cause: error });
    });
    const ids: string[] = [];
    for await (const { id } of store.iterate()) ids.push(id);
    if (!ids.includes("after")) await store.upsert([documentOf("after", 3)]);
    await store.close();
    return ids;
  };
  const possible = states.slice(acknowledged, begun + 1).map((ids) => ids.toSorted().join());
  const found = await idsOf();
  expect(possible, when).toContain(found.join());
  expect(await idsOf(), when).toEqual([...found, "after"].sort());
  expect(
    (await readdir(folder)).filter((name) => name.endsWith(".tmp")),
    when,
  ).toEqual([]);
}

describe("a store whose machine loses its power", () => {
  it("has all that was acknowledged after a process that ended at any request to the disk", async () => {
    expect(disk.events.length).toBeGreaterThan(200);
    for (let events = 0; events <= disk.events.length; events++) await expectWhole(events, undefined);
  });

  it(`opens and has all that was acknowledged, whatever sectors, lengths and names of ${losses} losses are missing`, async () => {
    const random = randomOf("moments");
    for (let run = 0; run < losses; run++) await expectWhole(random(disk.events.length + 1), `${run}`);
  }, 600_000);
});

describe("a folder of format 1", () => {
  it.each([
    ["closed", ["d1", "d2", "d3", "d4", "d5", "d6", "d7"]],
    // The last record was cut by the crash.
    ["crashed", ["d1", "d2", "d3", "d4", "d5", "d6"]],
  ])("that was %s opens, and goes on in the present format", async (name, ids) => {
    const folder = path.join(base, `format-1-${name}`);
    await cp(fileURLToPath(new URL(`../fixtures/store-format-1/${name}`, import.meta.url)), folder, {
      recursive: true,
    });
    let store = await MemoryStore.open(folder, { model: "m" });
    await store.upsert([documentOf("new", 2)].map((document) => ({ ...document, vectors: {} })));
    await store.close();
    store = await MemoryStore.open(folder);
    const found: string[] = [];
    for await (const { id } of store.iterate()) found.push(id);
    expect(found).toEqual([...ids, "new"]);
    const [hit] = await store.searchSparse("sparse", new SparseVector([9], [2], 10), { k: 1 });
    expect(hit).toMatchObject({ id: ids.at(-1), text: `text ${ids.at(-1)!.slice(1)} é` });
    await store.snapshot();
    await store.close();
    expect(await readdir(folder)).toEqual(["closed", "journal-00000004", "snapshot-00000004"]);
  });
});
