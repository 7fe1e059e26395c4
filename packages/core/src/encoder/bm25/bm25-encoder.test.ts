import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SparseEncoderError, type SparseEncoderErrorCode } from "../../errors.ts";
import { Bm25Encoder } from "./bm25-encoder.ts";
import { dimOf } from "./term-dims.ts";

const spaces = (text: string) => text.split(" ").filter((term) => term !== "");

/** Expects a rejection of that code. */
async function refused(
  promise: Promise<unknown>,
  code: SparseEncoderErrorCode,
  message: string | RegExp,
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(SparseEncoderError.is(error, code), String(error)).toBe(true);
  expect((error as Error).message).toMatch(message);
}

/** BM25 as the formula reads, over term lists: the oracle. */
function bm25(documents: string[][], query: string[], document: string[], k1: number, b: number): number {
  const average = documents.reduce((sum, terms) => sum + terms.length, 0) / documents.length;
  return query.reduce((score, term) => {
    const df = documents.filter((terms) => terms.includes(term)).length;
    const tf = document.filter((other) => other === term).length;
    if (tf === 0) return score;
    const idf = Math.log(1 + (documents.length - df + 0.5) / (df + 0.5));
    return score + (idf * tf) / (tf + k1 * (1 - b + (b * document.length) / average));
  }, 0);
}

describe("Bm25Encoder", () => {
  it("scores by hand-worked numbers", async () => {
    const encoder = new Bm25Encoder();
    const texts = ["The cat sat on the mat.", "Two cats, a dog and a cat", "Dogs!"];
    await encoder.fit(texts);
    const documents = await encoder.encodeDocument(texts);
    const query = await encoder.encodeQuery("cat");
    // Terms: cat sat mat | two cat dog cat | dog. idf = ln(1 + (3 - 2 + 0.5) / (2 + 0.5)) = ln 1.6;
    // document 0: 1 / (1 + 1.2 (3 / 48)^0.6); document 1: 2 / (2 + 1.2 (4 / 48)^0.6).
    expect(query.dot(documents.row(0))).toBeCloseTo(0.470003629 / (1 + 1.2 * 0.18946457), 6);
    expect(query.dot(documents.row(1))).toBeCloseTo((0.470003629 * 2) / (2 + 1.2 * 0.22516001), 6);
    expect(query.dot(documents.row(2))).toBe(0);
    expect(encoder.decode(query)).toEqual([["cat", Math.fround(Math.log(1.6))]]);
  });

  it("gives the same vectors of documents in any process, whatever was counted", async () => {
    const fitted = new Bm25Encoder();
    await fitted.fit(["one", "a longer text about other things entirely", "cat"]);
    const fresh = new Bm25Encoder();
    const texts = ["a cat sat", "", "GPT-4 on C++"];
    expect((await fresh.encodeDocument(texts)).equals(await fitted.encodeDocument(texts))).toBe(true);
    // The dims are part of what stores keep: murmur3 (x86, 32 bits) of the UTF-16 code units, modulo 2^29.
    expect([...(await fresh.encodeDocument("cat")).indices]).toEqual([dimOf("cat")]);
  });

  it("scores as Lucene does with average lengths, by hand-worked numbers", async () => {
    const encoder = new Bm25Encoder({ lengthNorm: "average" });
    const texts = ["The cat sat on the mat.", "Two cats, a dog and a cat", "Dogs!"];
    await encoder.fit(texts);
    // Terms: cat sat mat | two cat dog cat | dog; mean length 8 / 3.
    expect(encoder.summary).toEqual({
      documents: 3,
      terms: 5,
      averageLength: 8 / 3,
      currentAverageLength: 8 / 3,
    });
    const documents = await encoder.encodeDocument(texts);
    const query = await encoder.encodeQuery("cat");
    // idf = ln(1 + (3 - 2 + 0.5) / (2 + 0.5)) = ln 1.6; document 0: 1 / (1 + 1.2 (0.25 + 0.75 * 3 * 3 / 8));
    // document 1: 2 / (2 + 1.2 (0.25 + 0.75 * 4 * 3 / 8)).
    expect(query.dot(documents.row(0))).toBeCloseTo(0.470003629 / 2.3125, 6);
    expect(query.dot(documents.row(1))).toBeCloseTo((0.470003629 * 2) / 3.65, 6);
    expect(query.dot(documents.row(2))).toBe(0);
    expect(encoder.decode(query)).toEqual([["cat", Math.fround(Math.log(1.6))]]);
  });

  it("counts a term as often as the query has it", async () => {
    const encoder = new Bm25Encoder();
    await encoder.fit(["cat", "dog"]);
    const once = await encoder.encodeQuery("cats");
    const twice = await encoder.encodeQuery("cat, cats");
    expect(twice.values[0]).toBeCloseTo(2 * once.values[0]!, 6);
  });

  it("equals the formula for any texts and settings", async () => {
    const text = fc
      .array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 12 })
      .map((terms) => terms.join(" "));
    const texts = fc.array(text, { minLength: 1, maxLength: 8 });
    const settings = fc.record({
      k1: fc.double({ min: 0, max: 3, noNaN: true }),
      b: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(texts, text, settings, async (collection, question, { k1, b }) => {
        const encoder = new Bm25Encoder({ k1, b, analyzer: spaces, lengthNorm: "average" });
        await encoder.fit(collection);
        const query = await encoder.encodeQuery(question);
        const documents = await encoder.encodeDocument(collection);
        const terms = collection.map(spaces);
        for (const [row, document] of documents.toRows().entries()) {
          expect(query.dot(document)).toBeCloseTo(bm25(terms, spaces(question), terms[row]!, k1, b), 4);
        }
      }),
    );
  });

  it("keeps the vectors of documents when more are counted, and gives queries the new idf", async () => {
    const encoder = new Bm25Encoder({ analyzer: spaces, lengthNorm: "average" });
    await encoder.fit(["a b", "b c c"]);
    const before = await encoder.encodeDocument("a b");
    await encoder.update(["a d d d d d d", "e"]);
    expect((await encoder.encodeDocument("a b")).equals(before)).toBe(true);
    expect(encoder.summary).toEqual({
      documents: 4,
      terms: 5,
      averageLength: 2.5,
      currentAverageLength: 13 / 4,
    });
    // N = 4, df(a) = 2, df(e) = 1.
    expect((await encoder.encodeQuery("a")).values[0]).toBeCloseTo(Math.log(1 + 2.5 / 2.5), 6);
    expect((await encoder.encodeQuery("e")).values[0]).toBeCloseTo(Math.log(1 + 3.5 / 1.5), 6);
    expect(encoder.decode(await encoder.encodeDocument("e"))[0]![0]).toBe("e");
  });

  it("gives the same queries whether texts are fitted at once or added", async () => {
    const texts = ["a b", "b c c", "a d", "", "e e e"];
    const whole = new Bm25Encoder({ analyzer: spaces });
    await whole.fit(texts);
    const parts = new Bm25Encoder({ analyzer: spaces });
    for (const text of texts) await parts.update([text]);
    const queries = ["a", "b c", "e e d"];
    expect((await parts.encodeQuery(queries)).equals(await whole.encodeQuery(queries))).toBe(true);
  });

  it("forgets the counts at a second fit", async () => {
    const encoder = new Bm25Encoder({ analyzer: spaces });
    await encoder.fit(["a b"]);
    await encoder.fit(["b c", "c"]);
    expect(["a", "b", "c"].map((term) => encoder.tokenOf(dimOf(term)))).toEqual([
      `[${dimOf("a")}]`,
      "b",
      "c",
    ]);
    expect(encoder.summary).toEqual({
      documents: 2,
      terms: 2,
      averageLength: 1.5,
      currentAverageLength: 1.5,
    });
    expect((await encoder.encodeQuery("b")).values[0]).toBeCloseTo(Math.log(1 + 1.5 / 1.5), 6);
  });

  it("finds words that were never counted, and gives empty vectors to texts without terms", async () => {
    const encoder = new Bm25Encoder();
    await encoder.fit(["cat", "", "the"]);
    const query = await encoder.encodeQuery("the unheard");
    expect(encoder.decode(query)).toEqual([["unheard", Math.fround(Math.log1p(3.5 / 0.5))]]);
    expect(query.dot(await encoder.encodeDocument("an unheard word"))).toBeGreaterThan(0);
    expect((await encoder.encodeQuery("of the")).activeDims).toBe(0);
    expect((await encoder.encodeDocument(["", "cat"])).toRows().map((row) => row.activeDims)).toEqual([0, 1]);
    expect((await encoder.encodeDocument([])).shape).toEqual([0, encoder.embeddingDimension]);
    const empty = new Bm25Encoder();
    await empty.fit(["", "the"]);
    await empty.update(["cat dog"]);
    expect(empty.summary.averageLength).toBeCloseTo(2 / 3, 12);
  });

  it("reads async iterables, reports progress and lets other work run", async () => {
    const encoder = new Bm25Encoder();
    const done: number[] = [];
    let turns = 0;
    const turn = setInterval(() => turns++, 0);
    await encoder.fit(
      (async function* () {
        for (let number = 0; number < 600; number++) yield `word ${number}`;
      })(),
      { onProgress: (progress) => done.push(progress.done) },
    );
    clearInterval(turn);
    expect(done).toEqual([256, 512, 600]);
    expect(turns).toBeGreaterThan(0);
    expect(encoder.summary.terms).toBe(601);
  });

  it("stays as it was when a call is aborted or a text is none", async () => {
    const encoder = new Bm25Encoder();
    await encoder.fit(["cat"]);
    const { summary } = encoder;
    const controller = new AbortController();
    const texts = Array.from({ length: 1000 }, (_, number) => `word${number}`);
    const abort = () => controller.abort();
    await refused(
      encoder.update(texts, { signal: controller.signal, onProgress: abort }),
      "ABORTED",
      "aborted",
    );
    await refused(
      encoder.fit(["dog", 7 as unknown as string]),
      "INVALID_TEXT",
      "fit: the text at position 1 must be a string, received 7",
    );
    expect(encoder.summary).toEqual(summary);
    await refused(encoder.encodeDocument(texts, { signal: controller.signal }), "ABORTED", "aborted");
  });

  it("refuses what cannot work, and says what to do", async () => {
    const encoder = new Bm25Encoder();
    await refused(encoder.encodeQuery("cat"), "INVALID_ARGUMENT", "call fit with the texts");
    const average = new Bm25Encoder({ lengthNorm: "average" });
    await refused(average.encodeDocument("cat"), "INVALID_ARGUMENT", "call fit with the texts");
    await refused(encoder.fit("cat"), "INVALID_TEXT", "expected an array or another iterable of strings");
    await encoder.fit(["cat"]);
    await refused(
      encoder.encodeQuery(null as unknown as string),
      "INVALID_TEXT",
      "expected a string or an array",
    );
    await refused(
      encoder.encodeDocument(["a", undefined as unknown as string]),
      "INVALID_TEXT",
      "position 1 must be a string",
    );
    await refused(
      encoder.encodeQuery("cat", { topK: 1 } as object),
      "UNKNOWN_OPTION",
      "Valid options: signal",
    );
    for (const k1 of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Bm25Encoder({ k1 })).toThrow("k1 must be a finite number of at least 0");
    }
    for (const b of [-0.1, 1.1, Number.NaN]) {
      expect(() => new Bm25Encoder({ b })).toThrow("b must be a number from 0 to 1");
    }
    expect(() => new Bm25Encoder({ language: "xx" })).toThrow(/language must be one of ar, .*received 'xx'/);
    expect(() => new Bm25Encoder({ language: "constructor" })).toThrow("language must be one of");
    expect(() => new Bm25Encoder({ analyzer: spaces, language: "en" })).toThrow(
      "language has no meaning beside",
    );
    const broken = new Bm25Encoder({ analyzer: () => [1] as unknown as string[] });
    await refused(broken.fit(["a"]), "INVALID_ARGUMENT", "analyzer must give an array of strings");
    expect(() => encoder.decode([] as unknown as Parameters<typeof encoder.decode>[0])).toThrow(
      "decode: expected vectors of a Bm25Encoder",
    );
  });

  describe("save and load", () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "bm25-"));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it("gives back the same vectors, and goes on counting", async () => {
      const file = path.join(folder, "whole.bm25");
      const encoder = new Bm25Encoder({ k1: 0.9, b: 0.4, language: "de", stopWords: ["und"] });
      const texts = ["Häuser und Straßen", "das Haus \ud800 \u2028"];
      await encoder.fit(texts);
      await encoder.update(["drei Straßen"]);
      await encoder.save(file);
      const loaded = await Bm25Encoder.load(file);
      expect(loaded.summary).toEqual(encoder.summary);
      expect((await loaded.encodeQuery(texts)).equals(await encoder.encodeQuery(texts))).toBe(true);
      expect((await loaded.encodeDocument(texts)).equals(await encoder.encodeDocument(texts))).toBe(true);
      await loaded.update(["neu"]);
      await loaded.save(file);
      expect((await Bm25Encoder.load(file)).summary.documents).toBe(4);
      expect(await readdir(folder)).toEqual(["whole.bm25"]);
    });

    it("asks for the analyzer function that it was made with", async () => {
      const file = path.join(folder, "custom.bm25");
      const encoder = new Bm25Encoder({ analyzer: spaces });
      await encoder.fit(["a b"]);
      await encoder.save(file);
      await refused(Bm25Encoder.load(file), "INVALID_ARGUMENT", "give the same one as the option analyzer");
      const loaded = await Bm25Encoder.load(file, { analyzer: spaces });
      expect(loaded.decode(await loaded.encodeDocument("b"))[0]![0]).toBe("b");
    });

    it("refuses a file that is cut, or changed in any one bit", async () => {
      const file = path.join(folder, "small.bm25");
      const encoder = new Bm25Encoder();
      await encoder.fit(["cat dog"]);
      await encoder.save(file);
      const bytes = await readFile(file);
      const broken = path.join(folder, "broken.bm25");
      const read = () =>
        Bm25Encoder.load(broken).then(
          () => "read",
          (error: unknown) => (SparseEncoderError.is(error) ? error.code : String(error)),
        );
      for (let length = 0; length < bytes.length; length++) {
        await writeFile(broken, bytes.subarray(0, length));
        expect(await read(), `${length} bytes`).toBe("MODEL_INVALID");
      }
      for (let position = 0; position < bytes.length; position++) {
        const changed = Buffer.from(bytes);
        changed[position]! ^= 1 << (position % 8);
        await writeFile(broken, changed);
        expect(await read(), `byte ${position}`).toMatch(/^MODEL_(INVALID|UNSUPPORTED)$/);
      }
    });

    it("refuses files of wrong values, though their checksum is right", async () => {
      const file = path.join(folder, "forged.bm25");
      const encoder = new Bm25Encoder();
      await encoder.fit(["cat dog", "cat"]);
      await encoder.save(file);
      const good = JSON.parse((await readFile(file, "utf8")).split("\n")[1]!);
      const write = (body: string) => {
        const sha256 = createHash("sha256").update(body).digest("hex");
        const header = JSON.stringify({ format: "sparse-encoder/bm25", version: 2, sha256 });
        return writeFile(file, `${header}\n${body}\n`);
      };
      await write(JSON.stringify(good));
      expect((await Bm25Encoder.load(file)).summary).toEqual(encoder.summary);
      const values = [null, -1, 0.5, 1e300, "x", [], {}, [null], ["cat", "cat"], [1, 2], true, "__proto__"];
      const places: string[][] = [
        ...Object.keys(good).map((name) => [name]),
        ...Object.keys(good.settings).map((name) => ["settings", name]),
        ...["language", "stopWords", "tokens", "stemming", "analyzer", "other"].map((name) => [
          ...["settings", "analyzer"],
          name,
        ]),
      ];
      const outcomes: Record<string, number> = {};
      for (const place of places) {
        for (const value of [...values, undefined]) {
          const forged = structuredClone(good);
          const parent = place.slice(0, -1).reduce((object, name) => object[name], forged);
          parent[place.at(-1)!] = value;
          await write(JSON.stringify(forged));
          const outcome = await Bm25Encoder.load(file).then(
            async (loaded) => {
              // A file that another encoder could have written.
              expect((await loaded.encodeQuery("cat")).values.every(Number.isFinite)).toBe(true);
              return "loaded";
            },
            (error: unknown) => (SparseEncoderError.is(error) ? error.code : String(error)),
          );
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }
      }
      for (const body of ["null", "[]", "7", '"x"', "{}", "{", `${"[".repeat(100_000)}`]) {
        await write(body);
        await refused(Bm25Encoder.load(file), "MODEL_INVALID", "does not write");
      }
      expect(Object.keys(outcomes).sort()).toEqual(["MODEL_INVALID", "loaded"]);
    });

    it("refuses a newer format, another file and a missing one", async () => {
      const file = path.join(folder, "other.bm25");
      await writeFile(file, '{"format":"sparse-encoder/bm25","version":3,"sha256":""}\n{}\n');
      await refused(
        Bm25Encoder.load(file),
        "MODEL_UNSUPPORTED",
        "has format version 3, this library reads 2: update the library",
      );
      await writeFile(file, '{"format":"sparse-encoder/bm25","version":1,"sha256":""}\n{}\n');
      await refused(Bm25Encoder.load(file), "MODEL_UNSUPPORTED", "numbered terms otherwise; fit again");
      await writeFile(file, "null\n");
      await refused(Bm25Encoder.load(file), "MODEL_INVALID", "is not a file that Bm25Encoder.save() wrote");
      await refused(Bm25Encoder.load(path.join(folder, "none")), "MODEL_NOT_FOUND", "write it with save()");
      await refused(
        new Bm25Encoder().save(path.join(folder, "no", "such", "folder")),
        "CACHE_UNWRITABLE",
        "unchanged",
      );
      await refused(new Bm25Encoder().save(""), "INVALID_ARGUMENT", "path of a file");
    });
  });
});
