import { describe, expect, it } from "vitest";
import { FakeDenseEmbedder } from "./fake-dense-embedder.ts";
import { FakeSparseEncoder } from "./fake-sparse-encoder.ts";

describe("FakeSparseEncoder", () => {
  const encoder = new FakeSparseEncoder({ dimension: 1000 });

  it("counts words, in any case and with any punctuation between them", async () => {
    const vector = await encoder.encodeDocument("Red, green: RED! é漢");
    expect(vector.dimension).toBe(1000);
    expect([...vector.values].sort()).toEqual([1, 1, 2]);
    expect((await encoder.encodeQuery("é漢 red green red")).equals(vector)).toBe(true);
    expect((await encoder.encode(" ?! ")).activeDims).toBe(0);
  });

  it("gives texts with common words a product above zero, others none", async () => {
    const [a, b, c] = await encoder.encode(["a red apple", "the apple tree", "blue sky"]);
    expect(a!.dot(b!)).toBe(1);
    expect(a!.dot(c!)).toBe(0);
  });

  it("gives one row per text, and none for no texts", async () => {
    expect((await encoder.encode(["a", "b b"])).shape).toEqual([2, 1000]);
    expect((await encoder.encode([])).shape).toEqual([0, 1000]);
  });

  it("fails as a real one does", async () => {
    await expect(encoder.encode(1 as unknown as string[])).rejects.toThrow();
    await expect(encoder.encode([1 as unknown as string])).rejects.toMatchObject({ code: "INVALID_TEXT" });
    await expect(encoder.encode("a", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
    expect(() => new FakeSparseEncoder({ dimension: 0 })).toThrow("dimension");
    const closed = new FakeSparseEncoder();
    await closed.close();
    await expect(closed.encode("a")).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("FakeDenseEmbedder", () => {
  const embedder = new FakeDenseEmbedder({ dimension: 64 });
  const cosine = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, index) => sum + value * b[index]!, 0);

  it("gives vectors of length 1, the same for the same words", async () => {
    const [a, again, none] = await embedder.encode(["red green", "GREEN red.", ""]);
    expect(cosine(a!, a!)).toBeCloseTo(1, 5);
    expect(cosine(none!, none!)).toBeCloseTo(1, 5);
    expect(cosine(a!, again!)).toBeCloseTo(1, 5);
    expect(await embedder.encodeQuery("red green")).toEqual(a);
  });

  it("puts texts that share words closer together", async () => {
    const [a, b, c] = await embedder.encode(["a red apple", "a green apple", "the wide blue sky"]);
    expect(cosine(a!, b!)).toBeGreaterThan(cosine(a!, c!) + 0.2);
  });

  it("gives one row per text, and none for no texts", async () => {
    expect((await embedder.encode(["a", "b"])).shape).toEqual([2, 64]);
    expect((await embedder.encode([])).shape).toEqual([0, 64]);
  });
});
