import { setImmediate as turn } from "node:timers/promises";
import { SparseVector, type Store, type StoredDocument, type VectorSchema } from "@sparse-encoder/core";
import type { AliasResult, AliasTarget } from "@sparse-encoder/core/stores";
import { expect } from "vitest";

/** Options of opening a collection. */
export interface OpenedAs {
  readonly vectors?: VectorSchema | undefined;
  readonly model?: string | undefined;
}

/** What the cases need of an engine. */
export interface AliasSubject {
  /** A name that no collection and no alias has. */
  nextName(): string;
  open(name: string, options?: OpenedAs): Promise<Store>;
  /** Opens to read only, beside a store that writes. Default: `open`. */
  openReader?(name: string, options?: OpenedAs): Promise<Store>;
  switchAlias(target: AliasTarget): Promise<AliasResult>;
  /** Deletes a collection by the engine's own means. */
  drop(name: string): Promise<unknown>;
  /** Makes a collection that no store made. */
  makeOther(name: string): Promise<unknown>;
  /** Names that the engine does not allow. */
  readonly badNames: readonly unknown[];
  /** False for a store that answers from memory, whatever becomes of its folder. Default true. */
  readonly asksServer?: boolean;
}

const vectors = { sparse: { kind: "sparse", dimension: 10 } } as const;
const query = SparseVector.from({ 1: 1 }, 10);

/** Documents that say of which collection they are; each has a score of its own. */
const documentsOf = (text: string, count: number): StoredDocument[] =>
  Array.from({ length: count }, (_, number) => ({
    id: `${number}`,
    text,
    metadata: {},
    vectors: { sparse: SparseVector.from({ 1: 1 + number }, 10) },
  }));

/** Two filled collections of different models, and an alias of the first. */
async function setUp(subject: AliasSubject) {
  const names = { alias: subject.nextName(), one: subject.nextName(), two: subject.nextName() };
  const counts = { one: 15, two: 25 };
  for (const name of ["one", "two"] as const) {
    await using store = await subject.open(names[name], { vectors, model: name });
    await store.upsert(documentsOf(name, counts[name]));
  }
  expect(await subject.switchAlias({ alias: names.alias, to: names.one })).toEqual({ from: undefined });
  return { ...names, counts };
}

async function textsOf(store: Store): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of store.iterate({ batchSize: 7 })) texts.push(text);
  return texts;
}

/** What a store answers, all of which must be of one collection. */
async function answerOf(store: Store): Promise<[text: string | undefined, documents: number]> {
  const hits = await store.searchSparse("sparse", query, { k: 100 });
  const [all, count] = [await textsOf(store), await store.count()];
  const texts = new Set([...hits.map(({ text }) => text), ...all]);
  expect([...texts]).toHaveLength(1);
  expect([hits.length, all.length]).toEqual([count, count]);
  return [[...texts][0], count];
}

/** Cases that every store with aliases passes. */
export function aliasCases(subject: AliasSubject): readonly { name: string; run: () => Promise<void> }[] {
  const cases: Record<string, (given: AliasSubject) => Promise<void>> = {
    "reads and writes by an alias what it names": readAndWrite,
    "answers wholly from the old or the new collection while an alias is switched": switchUnderQueries,
    "refuses changes through a store that was opened before the switch": refuseStale,
    "goes on with the old collection until it is deleted, which is an error with advice": goOnUntilDeleted,
    "switches only from the collection that it is told": switchFrom,
    "refuses what no alias can be or name": refuseOthers,
    "opens an alias with what it names, and makes nothing beside it": openByName,
  };
  return Object.entries(cases).map(([name, run]) => ({ name, run: () => run(subject) }));
}

async function readAndWrite(subject: AliasSubject): Promise<void> {
  const { alias, one, two, counts } = await setUp(subject);
  {
    await using store = await subject.open(alias, { vectors, model: "one" });
    expect(await answerOf(store)).toEqual(["one", counts.one]);
    await store.upsert([{ ...documentsOf("one", 1)[0]!, id: "added" }]);
    expect(await store.delete({ ids: ["0", "1"] })).toBe(2);
    expect((await store.get(["added"]))[0]?.text).toBe("one");
  }
  {
    await using store = await subject.open(one);
    expect(await store.count()).toBe(counts.one - 1);
  }
  expect(await subject.switchAlias({ alias, to: two })).toEqual({ from: one });
  // Once more is no change.
  expect(await subject.switchAlias({ alias, to: two })).toEqual({ from: two });
  await using store = await subject.open(alias, { vectors, model: "two" });
  expect(await answerOf(store)).toEqual(["two", counts.two]);
  await store.upsert([{ ...documentsOf("two", 1)[0]!, id: "added" }]);
  expect(await store.count()).toBe(counts.two + 1);
}

async function switchUnderQueries(subject: AliasSubject): Promise<void> {
  const { alias, one, two, counts } = await setUp(subject);
  const openReader = subject.openReader ?? subject.open;
  let isOver = false;
  const answers = { held: 0, opened: new Set<string | undefined>() };
  /** A store that was opened before all switches. */
  const hold = async () => {
    await using store = await openReader(alias);
    while (!isOver) {
      expect(await answerOf(store)).toEqual(["one", counts.one]);
      answers.held++;
      // A store in memory answers without a turn of the event loop.
      await turn();
    }
  };
  const reopen = async () => {
    while (!isOver) {
      await using store = await openReader(alias);
      const [text, count] = await answerOf(store);
      expect(count).toBe(counts[text as "one" | "two"]);
      answers.opened.add(text);
      await turn();
    }
  };
  const held = [hold(), hold()];
  // They are open before the first switch.
  while (answers.held < 2)
    await Promise.race([Promise.all(held), new Promise((resolve) => setTimeout(resolve, 5))]);
  const readers = Promise.all([...held, reopen(), reopen(), reopen()]).finally(() => {
    isOver = true;
  });
  const switches = async () => {
    try {
      for (let round = 0; !isOver && (round < 12 || answers.opened.size < 2); round++) {
        const [from, to] = round % 2 === 0 ? [one, two] : [two, one];
        expect(await subject.switchAlias({ alias, to, from })).toEqual({ from });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    } finally {
      isOver = true;
    }
  };
  await Promise.all([switches(), readers]);
  expect(answers.held).toBeGreaterThan(3);
}

async function refuseStale(subject: AliasSubject): Promise<void> {
  const { alias, one, two, counts } = await setUp(subject);
  await using stale = await subject.open(alias, { vectors });
  await subject.switchAlias({ alias, to: two });
  const [document] = documentsOf("late", 1);
  const changes: Record<string, () => Promise<unknown>> = {
    upsert: () => stale.upsert([document!]),
    "delete by id": () => stale.delete({ ids: ["0"] }),
    "delete by filter": () => stale.delete({ filter: {} }),
    bindEncoder: () => stale.bindEncoder!("sparse", { dimension: 10, fingerprint: "made/1" }),
  };
  for (const [name, change] of Object.entries(changes)) {
    const error: unknown = await change().catch((thrown: unknown) => thrown);
    expect([name, error]).toEqual([name, expect.objectContaining({ code: "STORE_MISMATCH" })]);
    expect((error as Error).message).toMatch(/by now.*Open it again/);
  }
  expect(await answerOf(stale)).toEqual(["one", counts.one]);
  // Switched back, it may change the collection again.
  await subject.switchAlias({ alias, to: one });
  await stale.upsert([{ ...document!, text: "one", id: "added" }]);
  expect(await answerOf(stale)).toEqual(["one", counts.one + 1]);
  await using other = await subject.open(two);
  expect(await answerOf(other)).toEqual(["two", counts.two]);
}

async function goOnUntilDeleted(subject: AliasSubject): Promise<void> {
  const { alias, one, two, counts } = await setUp(subject);
  await using old = await (subject.openReader ?? subject.open)(alias);
  await subject.switchAlias({ alias, to: two });
  await using fresh = await (subject.openReader ?? subject.open)(alias);
  expect(await answerOf(old)).toEqual(["one", counts.one]);
  await subject.drop(one);
  expect(await answerOf(fresh)).toEqual(["two", counts.two]);
  const answer = old.searchSparse("sparse", query);
  if (subject.asksServer === false) expect((await answer)[0]!.text).toBe("one");
  else {
    const error: unknown = await answer.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "STORE_FAILED" });
    expect((error as Error).message).toMatch(/is gone.*open the store again/);
  }
}

async function switchFrom(subject: AliasSubject): Promise<void> {
  const { alias, one, two } = await setUp(subject);
  const unknown = subject.nextName();
  const error: unknown = await subject.switchAlias({ alias, to: two, from: two }).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "STORE_MISMATCH", message: expect.stringContaining("not switched") });
  const fresh = subject.switchAlias({ alias: unknown, to: two, from: one });
  await expect(fresh).rejects.toMatchObject({ code: "STORE_MISMATCH" });
  expect(await subject.switchAlias({ alias, to: two, from: one })).toEqual({ from: one });
  expect(await subject.switchAlias({ alias, to: one, from: two })).toEqual({ from: two });
}

async function refuseOthers(subject: AliasSubject): Promise<void> {
  const { alias, one, two } = await setUp(subject);
  const refused = async (target: object, code: string, part: RegExp) => {
    const error: unknown = await subject
      .switchAlias(target as AliasTarget)
      .catch((thrown: unknown) => thrown);
    expect([target, error]).toEqual([target, expect.objectContaining({ code })]);
    expect((error as Error).message).toMatch(part);
  };
  for (const bad of [...subject.badNames, "", 5, null]) {
    await refused({ alias: bad, to: two }, "INVALID_ARGUMENT", /switchAlias: alias/);
    await refused({ alias, to: bad }, "INVALID_ARGUMENT", /switchAlias: to/);
    await refused({ alias, to: two, from: bad }, "INVALID_ARGUMENT", /switchAlias: from/);
  }
  await refused({ alias }, "INVALID_ARGUMENT", /to is missing/);
  await refused({ alias, to: two, table: "x", index2: 1 }, "UNKNOWN_OPTION", /switchAlias/);
  await refused({ alias, to: alias }, "INVALID_ARGUMENT", /must differ/);
  await refused({ alias, to: subject.nextName() }, "INVALID_ARGUMENT", /there is no/);
  await refused({ alias: two, to: one }, "STORE_MISMATCH", /itself/);
  const second = subject.nextName();
  await subject.switchAlias({ alias: second, to: one });
  await refused({ alias, to: second }, "INVALID_ARGUMENT", /is an alias itself/);
  const other = subject.nextName();
  await subject.makeOther(other);
  await refused({ alias, to: other }, "STORE_MISMATCH", /made by|no store/);
  // Nothing was switched by any of them.
  expect(await subject.switchAlias({ alias, to: two })).toEqual({ from: one });
}

async function openByName(subject: AliasSubject): Promise<void> {
  const { alias, counts } = await setUp(subject);
  for (const options of [
    { model: "two" },
    { vectors: { sparse: { kind: "sparse", dimension: 11 } } },
  ] as const) {
    await expect(subject.open(alias, options)).rejects.toMatchObject({ code: "STORE_MISMATCH" });
  }
  await using store = await subject.open(alias, { vectors });
  expect(await answerOf(store)).toEqual(["one", counts.one]);
}
