import { DenseEncoder, type EncodeProgress, SparseEncoder } from "@sparse-encoder/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";

const isBlank = (character: string) => /\s/.test(character);

/** WordPiece, byte-level BPE, and SentencePiece. */
const models = ["bert-max-relu", "roberta", "xlm-roberta", "modernbert"] as const;

describe.each(models)("pieces of a text, with the tokenizer of %s", (name) => {
  let encoder: SparseEncoder;
  beforeAll(async () => {
    encoder = await SparseEncoder.load(goldenModelFolder(name), { workers: 1 });
  });
  afterAll(() => encoder.close());

  async function check(text: string, maxTokens: number, overlap: number): Promise<void> {
    const pieces = await encoder.splitText(text, { maxTokens, overlap, prompt: "" });
    const lengths = (
      await encoder.tokenize(
        pieces.map((piece) => piece.text),
        { prompt: "" },
      )
    ).map((ids) => ids.length);
    const covered = new Set<number>();
    pieces.forEach(({ text: content, start, end, tokens }, number) => {
      expect(text.slice(start, end)).toBe(content);
      expect(content.trim()).toBe(content);
      // What encode gives to the model, which would cut more.
      expect(tokens).toBe(lengths[number]);
      expect(tokens).toBeLessThanOrEqual(maxTokens);
      const before = pieces[number - 1];
      if (before !== undefined) {
        expect(start).toBeGreaterThan(before.start);
        expect(end).toBeGreaterThan(before.end);
        if (overlap === 0) expect(start).toBeGreaterThanOrEqual(before.end);
      }
      for (let place = start; place < end; place++) covered.add(place);
    });
    for (let place = 0; place < text.length; place++) {
      if (!isBlank(text[place]!)) expect(covered.has(place), `unit ${place}`).toBe(true);
    }
  }

  it("fit, keep their places and leave no character out, for any text", async () => {
    const words = fc.constantFrom(
      "heat",
      "transfer",
      "  ",
      "\n",
      "supersonic",
      "naïve",
      "😀",
      "日本語",
      "x".repeat(30),
      "#@!",
      "ﬁ",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(words, { maxLength: 60 }).map((parts) => parts.join(" ")),
        fc.integer({ min: 12, max: 40 }),
        fc.integer({ min: 0, max: 6 }),
        check,
      ),
      { numRuns: 25 },
    );
  });

  it("fit without any blank", async () => {
    for (const text of ["ab1,".repeat(200), "日本語の文".repeat(50), "😀".repeat(60)]) {
      await check(text, 16, 0);
      await check(text, 16, 4);
    }
  });

  it("are one piece if the text fits, and none if it is blank", async () => {
    expect(await encoder.splitText("  heat transfer ")).toMatchObject([
      { text: "heat transfer", start: 2, end: 15 },
    ]);
    expect(await encoder.splitText(" \n ")).toEqual([]);
    expect(await encoder.splitText("")).toEqual([]);
  });
});

describe("splitText", () => {
  let encoder: SparseEncoder;
  beforeAll(async () => {
    encoder = await SparseEncoder.load();
  });
  afterAll(() => encoder.close());

  it("repeats whole words, at most as many tokens as asked for", async () => {
    // One token per word; [CLS] and [SEP] take two.
    const text = "one two three four five six seven eight nine ten";
    const split = async (overlap: number) =>
      (await encoder.splitText(text, { maxTokens: 6, overlap })).map((piece) => piece.text);
    expect(await split(0)).toEqual(["one two three four", "five six seven eight", "nine ten"]);
    expect(await split(1)).toEqual(["one two three four", "four five six seven", "seven eight nine ten"]);
  });

  it("counts the prompt", async () => {
    const text = "one two three four";
    const pieces = await encoder.splitText(text, { maxTokens: 6, prompt: "query words: " });
    expect(pieces.map((piece) => piece.text)).toEqual(["one", "two", "three", "four"]);
    expect(pieces.every(({ tokens }) => tokens === 6)).toBe(true);
  });

  it("takes a text of 3 MB, whose pieces no encoder has to cut", async () => {
    const text = "The heat transfer to a blunt body in supersonic flow was measured. ".repeat(45_000);
    const pieces = await encoder.splitText(text, { overlap: 16 });
    expect(Math.max(...pieces.map(({ tokens }) => tokens))).toBeLessThanOrEqual(encoder.maxSeqLength);
    const lengths = await encoder.tokenize(pieces.slice(0, 20).map((piece) => piece.text));
    expect(lengths.map((ids) => ids.length)).toEqual(pieces.slice(0, 20).map(({ tokens }) => tokens));
  });

  it.each([
    [{ maxTokens: 0 }, /maxTokens must be a whole number of at least 1, received 0/],
    [{ maxTokens: 100_000 }, /maxTokens must be at most \d+, received 100000/],
    [{ maxTokens: 2 }, /maxTokens must be more than overlap and the 2 tokens around a text/],
    [{ maxTokens: 10, overlap: 8 }, /received 10 and 8/],
    [{ overlap: -1 }, /overlap must be a whole number of at least 0/],
    [{ promptName: "none" }, /promptName must be one of/],
  ])("refuses %j", async (options, message) => {
    await expect(encoder.splitText("some text", options)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(message),
    });
  });

  it("refuses what is not a text, and an aborted signal", async () => {
    await expect(encoder.splitText(5 as never)).rejects.toMatchObject({ code: "INVALID_TEXT" });
    const signal = AbortSignal.abort();
    await expect(encoder.splitText("a", { signal })).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("texts that are cut", () => {
  const texts = ["short", "one two three four", "one two three four five six", "x ".repeat(500)];

  it("are counted in the statistics of the result and in the progress", async () => {
    await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 6 });
    const seen: EncodeProgress[] = [];
    const options = { batchSize: 1, onProgress: (progress: EncodeProgress) => void seen.push(progress) };
    const embeddings = await encoder.encode(texts, options);
    // The second text fills its six places and is whole.
    expect(encoder.statisticsOf(embeddings)).toEqual({ texts: 4, cutTexts: 2, tokens: 3 + 6 + 6 + 6 });
    expect(seen.at(-1)).toMatchObject({ done: 4, cutTexts: 2 });
    const cut = seen.map(({ cutTexts }) => cutTexts);
    expect(cut).toEqual([...cut].sort());

    const vector = await encoder.encodeQuery(texts[2]!);
    expect(encoder.statisticsOf(vector)).toEqual({ texts: 1, cutTexts: 1, tokens: 6 });
    const streamed: EncodeProgress[] = [];
    const stream = encoder.encodeStream(texts, { onProgress: (progress) => void streamed.push(progress) });
    for await (const _ of stream);
    expect(streamed.at(-1)).toMatchObject({ done: 4, cutTexts: 2 });
    expect(() => encoder.statisticsOf(embeddings.slice(0, 1))).toThrow(
      "statisticsOf: expected what an encode call",
    );
    expect(() => encoder.statisticsOf(null as never)).toThrow("received null");
  });

  it("are counted by dense encoders and by models without inference", async () => {
    await using dense = await DenseEncoder.load(goldenModelFolder("dense-cls"), { maxSeqLength: 6 });
    const embeddings = await dense.encode(texts, { normalize: true });
    expect(dense.statisticsOf(embeddings).cutTexts).toBeGreaterThan(0);
    await using free = await SparseEncoder.load(goldenModelFolder("inference-free"), { maxSeqLength: 6 });
    const queries = await free.encodeQuery(["x", "x ".repeat(500)]);
    expect(free.statisticsOf(queries)).toMatchObject({ texts: 2, cutTexts: 1 });
  });
});
