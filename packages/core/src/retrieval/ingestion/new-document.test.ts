import { describe, expect, it, vi } from "vitest";
import { MemoryStore } from "../../stores/index.ts";
import { SparseVector } from "../../vector/index.ts";
import { HybridRetriever } from "../hybrid-retriever.ts";
import type { NewDocument } from "./new-document.ts";

const documents = (count: number): NewDocument[] =>
  Array.from({ length: count }, (_, n) => ({ id: `${n}`, text: `text ${n}`, metadata: { n } }));

function setUp() {
  const store = new MemoryStore();
  const embed = vi.fn(async (texts: readonly string[]) => texts.map((text) => [text.length, 1]));
  return { store, embed, retriever: new HybridRetriever({ arms: { dense: { embed, store } } }) };
}

describe("what can be told of documents before they are encoded", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const faults: [what: string, fault: object, code: string, message: RegExp][] = [
    ["a date", { metadata: { at: new Date(0) } }, "INVALID_DOCUMENT", /document 1290 .*metadata\.at .*ISO/],
    ["NaN, deep", { metadata: { a: { b: [1, Number.NaN] } } }, "INVALID_DOCUMENT", /metadata\.a\.b\[1\]/],
    ["undefined in a list", { metadata: { a: [undefined] } }, "INVALID_DOCUMENT", /metadata\.a\[0\]/],
    ["a big number", { metadata: { a: 1n } }, "INVALID_DOCUMENT", /metadata\.a/],
    ["a cycle", { metadata: cyclic }, "INVALID_DOCUMENT", /nests more than 64/],
    [
      "a vector with NaN",
      { vectors: { dense: Float32Array.of(1, Number.NaN) } },
      "INVALID_VECTOR",
      /document 1290/,
    ],
    ["a vector that is none", { vectors: { dense: [1, 2] } }, "INVALID_VECTOR", /document 1290/],
    [
      "a vector of another width",
      { vectors: { dense: Float32Array.of(1, 2, 3) } },
      "INVALID_VECTOR",
      /document 1290 is dense with 3 dims, but document 3 has dense vectors of this name with 2/,
    ],
    [
      "a sparse vector of another width",
      { vectors: { dense: SparseVector.from({ 1: 1 }, 9) } },
      "INVALID_VECTOR",
      /document 1290 is sparse with 9 dims, but document 3 has dense/,
    ],
    [
      "an id that comes twice",
      { id: "5" },
      "INVALID_DOCUMENT",
      /^Documents 5 and 1290 have the same id, '5'/,
    ],
  ];

  it.each(faults)(
    "%s: nothing is encoded or stored, and the position is named",
    async (_, fault, code, message) => {
      const { store, embed, retriever } = setUp();
      const added = documents(1300);
      added[3] = { ...added[3]!, vectors: { dense: Float32Array.of(1, 2) } };
      added[1290] = { ...added[1290]!, ...fault };
      await expect(retriever.add(added)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
      expect(embed).not.toHaveBeenCalled();
      expect(await store.count()).toBe(0);
    },
  );

  it("includes what the store knows of its vectors", async () => {
    const { store, embed, retriever } = setUp();
    await retriever.add([{ id: "first", text: "first" }]);
    embed.mockClear();
    const added = [...documents(600), { id: "x", text: "x", vectors: { dense: Float32Array.of(1, 2, 3) } }];
    await expect(retriever.add(added)).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("document 600 is dense with 3 dims, but the memory store has dense"),
    });
    expect([embed.mock.calls.length, await store.count()]).toEqual([0, 1]);
  });

  it("is told batch by batch of a stream, by position in the whole stream", async () => {
    const { store, retriever } = setUp();
    const stream = new Set([...documents(7), { id: "x", text: "x", metadata: { at: new Date(0) } as never }]);
    await expect(retriever.add(stream, { batchSize: 3 })).rejects.toMatchObject({
      code: "INVALID_DOCUMENT",
      stored: 6,
      message: expect.stringMatching(/document 7 \('x'\).*skip: 6/),
    });
    expect(await store.count()).toBe(6);
  });
});

it("messages speak in the words of a program that wraps the retriever", async () => {
  const { store, retriever } = setUp();
  store.upsert = async () => {
    throw new Error("disk full");
  };
  const wording = { call: "addDocuments", goOn: (stored: number) => `Add the documents from ${stored} on.` };
  await expect(retriever.add(documents(3), { wording })).rejects.toMatchObject({
    message: "addDocuments: The store memory failed: disk full. Add the documents from 0 on.",
  });
  await expect(retriever.add(5 as never, { wording })).rejects.toThrow("addDocuments: expected an array");
});
