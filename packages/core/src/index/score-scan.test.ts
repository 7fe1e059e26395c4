import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import wabt from "wabt";
import { createScoreScan, scoreScanModule } from "./score-scan.ts";

describe("createScoreScan", () => {
  it("runs what score-scan.wat says", async () => {
    const source = readFileSync(fileURLToPath(new URL("score-scan.wat", import.meta.url)), "utf8");
    const module = (await wabt()).parseWat("score-scan.wat", source, { simd: true });
    expect(Buffer.from(module.toBinary({}).buffer).toString("base64")).toBe(scoreScanModule);
  });

  it("finds what a loop over all scores finds", () => {
    const { scores, find } = createScoreScan(16_384);
    const bitsOf = (value: number) => new Int32Array(new Float32Array([value]).buffer)[0]!;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(199), fc.float({ noNaN: true })), { maxLength: 8 }),
        fc.float({ min: Math.fround(1e-30), max: 100, noNaN: true }),
        fc.nat(12),
        fc.integer({ min: 0, max: 200 }),
        (entries, least, fromBlock, to) => {
          scores.fill(0);
          for (const [place, value] of entries) scores[place] = value;
          const from = 16 * fromBlock;
          let expected = from;
          while (expected < to && !scores.subarray(expected, expected + 16).some((score) => score >= least)) {
            expected += 16;
          }
          expect(find(from, to, bitsOf(least))).toBe(expected);
        },
      ),
    );
  });
});
