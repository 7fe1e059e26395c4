import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import wabt from "wabt";
import { createScoring, moveToMemory, type PostingArrays, type Scoring, scoringModule } from "./scoring.ts";

const documentCount = 200;

const postingsOf = fc
  .array(fc.tuple(fc.nat(documentCount - 1), fc.float({ noNaN: true })), { maxLength: 30 })
  .map((entries) => ({
    documents: Uint16Array.from(entries, ([document]) => document),
    weights: Float32Array.from(entries, ([, weight]) => weight),
  }));

/** Both implementations, over the same postings. */
function scorings(postings: PostingArrays): [Scoring, PostingArrays][] {
  const { scoring, arrays } = moveToMemory(documentCount, postings)!;
  return [
    [createScoring(documentCount), postings],
    [scoring, arrays],
  ];
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a scoring", () => {
  it("runs what scoring.wat says", async () => {
    const source = readFileSync(fileURLToPath(new URL("scoring.wat", import.meta.url)), "utf8");
    const module = (await wabt()).parseWat("scoring.wat", source, { simd: true });
    expect(Buffer.from(module.toBinary({}).buffer).toString("base64")).toBe(scoringModule);
  });

  it("adds products in float64 and rounds each sum to float32", () => {
    fc.assert(
      fc.property(postingsOf, fc.float({ noNaN: true }), fc.nat(30), fc.nat(30), (postings, query, a, b) => {
        const { documents, weights } = postings;
        const [from, to] = [Math.min(a, b, documents.length), Math.min(Math.max(a, b), documents.length)];
        const expected = Array.from({ length: documentCount }, () => 0);
        for (let posting = from; posting < to; posting++) {
          const document = documents[posting]!;
          expected[document] = Math.fround(expected[document]! + weights[posting]! * query);
        }
        for (const [scoring, arrays] of scorings(postings)) {
          expect(arrays).toEqual(postings);
          scoring.add(arrays, from, to, query);
          expect([...scoring.scores.subarray(0, documentCount)]).toEqual(expected);
          expect(scoring.scores.subarray(documentCount).every((score) => score === 0)).toBe(true);
          expect(arrays).toEqual(postings);
        }
      }),
    );
  });

  it("finds what a loop over all scores finds", () => {
    const bitsOf = (value: number) => new Int32Array(new Float32Array([value]).buffer)[0]!;
    const both = scorings({ documents: new Uint16Array(), weights: new Float32Array() });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(documentCount - 1), fc.float({ noNaN: true })), { maxLength: 8 }),
        fc.float({ min: Math.fround(1e-30), max: 100, noNaN: true }),
        fc.nat(12),
        fc.integer({ min: 0, max: documentCount }),
        (entries, least, fromBlock, to) => {
          for (const [{ scores, find }] of both) {
            scores.fill(0);
            for (const [place, value] of entries) scores[place] = value;
            const from = 16 * fromBlock;
            let expected = from;
            while (
              expected < to &&
              !scores.subarray(expected, expected + 16).some((score) => score >= least)
            ) {
              expected += 16;
            }
            expect(find(from, to, bitsOf(least))).toBe(expected);
          }
        },
      ),
    );
  });

  it("is not in a memory where the system gives none", () => {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: () => object } };
    const postings = { documents: Uint16Array.of(3), weights: Float32Array.of(2) };
    expect(moveToMemory(4, postings)).toBeDefined();
    class NoMemory {
      constructor() {
        throw new RangeError("WebAssembly.Memory(): could not allocate memory");
      }
    }
    vi.spyOn(WebAssembly, "Memory").mockImplementation(NoMemory as never);
    expect(moveToMemory(4, postings)).toBeUndefined();
  });
});
