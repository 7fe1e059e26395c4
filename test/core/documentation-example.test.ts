import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { readJson } from "../helpers/golden-data.ts";

/** What sentence-transformers prints for the same steps. */
const expected = readJson("fixtures/golden/docs-example.json") as {
  shape: number[];
  similarities: number[][];
  sparsity: { active_dims: number; sparsity_ratio: number };
  max_active_dims_8: { sparsity: { active_dims: number } };
  max_active_dims_16: { sparsity: { active_dims: number } };
  decode_top_10: [string, number][][];
  query_example: { scores: number[]; intersection_with_first: [string, number][] };
};

it("examples/computing-sparse-embeddings.ts prints the numbers of the reference", async () => {
  const file = fileURLToPath(new URL("../../examples/computing-sparse-embeddings.ts", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", file]);
  expect(stderr).toBe("");
  expect(stdout).toContain(`Shape: [ ${expected.shape.join(", ")} ]`);

  const numbers = (line: string) => line.trim().split(/\s+/).map(Number);
  const lines = stdout.split("\n");
  const similarities = lines.slice(lines.indexOf("Similarities:") + 1).slice(0, 3);
  similarities.forEach((line, row) => {
    numbers(line).forEach((score, column) => {
      expect(Math.abs(score - expected.similarities[row]![column]!)).toBeLessThanOrEqual(5e-4);
    });
  });

  const { sparsity_ratio: ratio, active_dims: active } = expected.sparsity;
  expect(stdout).toContain(`Sparsity: ${(ratio * 100).toFixed(2)}% (${active} active dims on average)`);
  expect(stdout).toContain(`Active dims at the call: ${expected.max_active_dims_16.sparsity.active_dims}`);
  expect(stdout).toContain(`Active dims at load: ${expected.max_active_dims_8.sparsity.active_dims}`);
  expect(stdout).toMatch(/Max sequence length: 512\nMax sequence length: 200\n/);
  expect(stdout).toContain("Embedding dimension: 30522");

  for (const tokens of expected.decode_top_10) {
    expect(stdout).toContain(tokens.map(([token, weight]) => `${token} ${weight.toFixed(2)}`).join(", "));
  }

  const scores = lines.find((line) => line.startsWith("Scores:"))!.slice("Scores:".length);
  numbers(scores).forEach((score, column) => {
    expect(Math.abs(score - expected.query_example.scores[column]!)).toBeLessThanOrEqual(5e-4);
  });
  const shared = expected.query_example.intersection_with_first.slice(0, 3);
  expect(stdout).toContain(
    `Shared: ${shared.map(([token, weight]) => `${token} ${weight.toFixed(2)}`).join(", ")}`,
  );
});
