import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";

let root: string;
let count = 0;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-faults-"));
});
afterAll(() => rmSync(root, { recursive: true }));

function copyOf(name: string): string {
  const folder = path.join(root, String(count++));
  cpSync(goldenModelFolder(name), folder, { recursive: true });
  return folder;
}

/** Writes a number into the first place of a tensor whose name ends so. */
function writeWeight(file: string, nameEnd: string, value: number): void {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { data_offsets: [number, number] }> = JSON.parse(
    bytes.toString("utf8", 8, 8 + headerLength),
  );
  const name = Object.keys(header).find((key) => key.endsWith(nameEnd))!;
  bytes.writeFloatLE(value, 8 + headerLength + header[name]!.data_offsets[0]);
  writeFileSync(file, bytes);
}

describe("weights that are not finite numbers", () => {
  const faults = [Number.NaN, Number.POSITIVE_INFINITY];

  it.each(faults)("are refused in a dense model at the first text: %d", async (value) => {
    const folder = copyOf("dense-cls");
    writeWeight(path.join(folder, "model.safetensors"), "embeddings.LayerNorm.bias", value);
    await using encoder = await DenseEncoder.load(folder, { workers: 1 });
    await expect(encoder.encode(["one", "two"])).rejects.toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringMatching(/the model gives NaN for dim \d+; its weights are broken or overflow/),
    });
  });

  it.each(faults)("are refused in a sparse model: %d", async (value) => {
    const folder = copyOf("bert-max-relu");
    writeWeight(path.join(folder, "model.safetensors"), "embeddings.LayerNorm.bias", value);
    await using encoder = await SparseEncoder.load(folder, { workers: 1 });
    await expect(encoder.encode("one")).rejects.toMatchObject({ code: "WORKER_FAILED" });
  });
});

describe("an ONNX file at fault", () => {
  /** The model of golden data, exported, with another vocabulary size in its settings. */
  function exportWith(vocabularySize: number, change: (file: string) => void = () => {}): string {
    const folder = copyOf("bert-max-relu");
    rmSync(path.join(folder, "model.safetensors"));
    const file = path.join(folder, "model.onnx");
    cpSync(fileURLToPath(new URL("../fixtures/onnx-exports/bert-max-relu-18.onnx", import.meta.url)), file);
    change(file);
    const configFile = path.join(folder, "config.json");
    const config = JSON.parse(readFileSync(configFile, "utf8"));
    writeFileSync(configFile, JSON.stringify({ ...config, vocab_size: vocabularySize }));
    return folder;
  }

  it("is MODEL_INVALID if its embeddings are narrower than its settings promise, and says both widths", async () => {
    await expect(SparseEncoder.load(exportWith(1501), { workers: 1 })).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringMatching(
        /model\.onnx gives scores for 1500 entries, but .* vocab_size of 1501\.$/,
      ),
    });
  });

  it("is MODEL_INVALID if it cannot be opened", async () => {
    const folder = exportWith(1500, (file) => {
      const bytes = readFileSync(file);
      // The name of an operator that nobody has.
      const place = bytes.indexOf("LayerNormalization");
      bytes.write("LayerAbnormalising", place);
      writeFileSync(file, bytes);
    });
    await expect(SparseEncoder.load(folder, { workers: 1 })).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringMatching(/model\.onnx cannot be opened: /),
    });
  });
});
