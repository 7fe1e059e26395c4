import { SparseEncoder } from "@sparse-encoder/core";
import { expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";

it("gives a text of more than 512 tokens the same vector alone and beside others", async () => {
  await using encoder = await SparseEncoder.load(goldenModelFolder("modernbert"), { workers: 1 });
  const words = "wing flow heat theory of shock waves 42 boundary layer".split(" ");
  const long = Array.from({ length: 400 }, (_, place) => words[(place * place + place) % 10]).join(" ");
  const [ids] = await encoder.tokenize([long]);
  expect(ids!.length).toBeGreaterThan(512);
  const alone = await encoder.encode(long);
  expect(alone.indices.length).toBeGreaterThan(0);
  const [first, second, third] = await encoder.encode(["short", long, `${long} and more`]);
  expect(first!.indices.length).toBeGreaterThan(0);
  expect(second!.equals(alone)).toBe(true);
  expect(third!.equals(alone)).toBe(false);
}, 60_000);
