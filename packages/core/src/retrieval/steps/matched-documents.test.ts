import { describe, expect, it } from "vitest";
import type { FoundDocument } from "../arms/arm.ts";
import { rrf } from "../fusion.ts";
import { HybridRetriever } from "../hybrid-retriever.ts";
import type { RetrievalSettings } from "../retrieval-settings.ts";

/** Retrieves from arms that give fixed lists. */
function retrieve(lists: Record<string, FoundDocument[]>, settings: RetrievalSettings = {}) {
  const arms = Object.fromEntries(
    Object.entries(lists).map(([name, hits]) => [name, { retrieve: async () => [hits] }]),
  );
  return new HybridRetriever({ arms, fusion: rrf(), ...settings }).retrieve("q");
}

const named = (id: string, text = id, metadata = {}): FoundDocument => ({ id, text, metadata });
const bare = (text: string, metadata = {}): FoundDocument => ({ text, metadata });

describe("hits of several arms are one document", () => {
  it("if they have one id, whatever their texts", async () => {
    const hits = await retrieve({ a: [named("1", "old")], b: [named("2"), named("1", "new")] });
    expect(hits.map(({ id, text }) => [id, text])).toEqual([
      ["1", "old"],
      ["2", "2"],
    ]);
  });

  it("if one of them has no id and their texts are equal: the id is kept", async () => {
    const hits = await retrieve({
      keyword: [bare("x"), bare("y")],
      vector: [named("7", "y"), named("8", "x")],
    });
    // x: 1/61 + 1/62, y: 1/62 + 1/61; equal scores by id.
    expect(hits.map(({ id, text, arms }) => [id, text, Object.keys(arms)])).toEqual([
      ["7", "y", ["keyword", "vector"]],
      ["8", "x", ["keyword", "vector"]],
    ]);
    expect(hits.every(({ anonymous }) => anonymous === undefined)).toBe(true);
  });

  it("not if both have ids, even of one text; a bare hit is then the better document", async () => {
    const hits = await retrieve({
      keyword: [bare("same")],
      one: [named("other"), named("b", "same")],
      two: [named("a", "same")],
    });
    expect(hits.map(({ id, arms }) => [id, Object.keys(arms)])).toEqual([
      ["a", ["keyword", "two"]],
      ["other", ["one"]],
      ["b", ["one"]],
    ]);
  });

  it("not if they are of one arm, which knows them apart", async () => {
    const hits = await retrieve({ one: [bare("same"), named("a", "same")] });
    expect(hits.map(({ id, anonymous }) => [id, anonymous])).toEqual([
      ["\u0000text:same", true],
      ["a", undefined],
    ]);
  });

  it("and have the text and metadata of the better rank, whatever the names of the arms", async () => {
    const first = named("1", "first", { from: "first" });
    const second = named("1", "second", { from: "second" });
    for (const [better, worse] of [
      ["a", "b"],
      ["z", "b"],
    ] as const) {
      const [hit] = await retrieve({ [better]: [first], [worse]: [named("2"), second] });
      expect(hit).toMatchObject({ id: "1", text: "first", metadata: { from: "first" } });
    }
    // The better rank may be the one without an id.
    const bareFirst = { ...first, id: undefined, text: "x" };
    for (const [better, worse] of [
      ["a", "b"],
      ["z", "b"],
    ] as const) {
      const [hit] = await retrieve({
        [better]: [bareFirst],
        [worse]: [named("2"), { ...second, text: "x" }],
      });
      expect(hit).toMatchObject({ id: "1", metadata: { from: "first" } });
    }
  });

  it("if they have one key, and a document without a key is known by its id", async () => {
    const identify: RetrievalSettings["identify"] = ({ metadata }) => metadata.url as string | undefined;
    const hits = await retrieve(
      {
        a: [named("1", "x", { url: "u" }), named("3", "z")],
        b: [bare("changed", { url: "u" }), named("3", "other")],
        c: [named("2", "y", { url: "u" })],
      },
      { identify },
    );
    expect(hits.map(({ id, text, arms }) => [id, text, Object.keys(arms)])).toEqual([
      ["1", "x", ["a", "b", "c"]],
      ["3", "z", ["a", "b"]],
    ]);
    // A key that is the id of another arm's document leads to it.
    const crossed = await retrieve(
      { store: [named("u", "stored")], list: [bare("listed", { url: "u" })] },
      { identify },
    );
    expect(crossed.map(({ id, text }) => [id, text])).toEqual([["u", "stored"]]);
  });

  it("refuses keys that are not texts, by the name of the arm", async () => {
    const call = retrieve({ a: [named("1")] }, { identify: (() => 5) as never });
    await expect(call).rejects.toMatchObject({
      code: "ARM_FAILED",
      message: expect.stringContaining("for a document of the arm a it gives 5"),
    });
  });

  it("in no more than one result, over random lists, in every order of the arms", async () => {
    let seed = 1;
    const random = (limit: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % limit;
    };
    for (let round = 0; round < 200; round++) {
      const lists = Object.fromEntries(
        ["a", "b", "c"].map((arm) => [
          arm,
          Array.from({ length: random(6) }, () => {
            const number = random(5);
            return random(2) === 0 ? bare(`t${number}`) : named(`${number}`, `t${number}`);
          }),
        ]),
      );
      const hits = await retrieve(lists);
      expect(new Set(hits.map(({ id }) => id)).size).toBe(hits.length);
      // Ids stand for texts here, so a text comes twice only if one arm has it with and without an id.
      const texts = hits.map(({ text }) => text);
      for (const text of new Set(texts.filter((one, place) => texts.indexOf(one) !== place))) {
        const twice = Object.values(lists).some(
          (list) =>
            list.filter((hit) => hit.text === text && hit.id === undefined).length > 0 &&
            list.some((hit) => hit.text === text && hit.id !== undefined),
        );
        expect(twice).toBe(true);
      }
      const reversed = await retrieve(Object.fromEntries(Object.entries(lists).reverse()));
      expect(reversed).toEqual(hits);
    }
  });
});

it("a payload comes back on the document, of the best rank that has one", async () => {
  const payload = { anything: new Map() };
  const [hit] = await retrieve({
    a: [{ id: "1", text: "x" }],
    b: [named("2"), { id: "1", text: "x", payload }],
  });
  expect(hit!.payload).toBe(payload);
  expect(await retrieve({ a: [named("1")] })).not.toHaveProperty("0.payload");
});
