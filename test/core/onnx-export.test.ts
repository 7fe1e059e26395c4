import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectVectors, goldenModelFolder, readGolden } from "../helpers/golden-data.ts";

const golden = readGolden("bert-max-relu");
const exportFile = (operatorSet: number) =>
  fileURLToPath(new URL(`../fixtures/onnx-exports/bert-max-relu-${operatorSet}.onnx`, import.meta.url));

describe("a folder with an ONNX file", () => {
  let root: string;
  let count = 0;

  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-onnx-"));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  /** The model without its weights, with ONNX files under these names. */
  function folderWith(files: Record<string, number>): string {
    const folder = path.join(root, String(count++));
    cpSync(goldenModelFolder("bert-max-relu"), folder, {
      recursive: true,
      filter: (file) => !file.endsWith(".safetensors"),
    });
    for (const [name, operatorSet] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      cpSync(exportFile(operatorSet), path.join(folder, name));
    }
    return folder;
  }

  it.each([12, 18])("of operator set %i only gives the reference's vectors", async (operatorSet) => {
    await using encoder = await SparseEncoder.load(folderWith({ "onnx/model.onnx": operatorSet }));
    for (const batchSize of [1, 32]) {
      expectVectors(await encoder.encode(golden.texts, { batchSize }), golden.encode, golden.texts);
    }
    expect(encoder.describe().weightsFiles[0]).toMatch(/model\.onnx$/);
  });

  it("runs the one that fileName names, also beside weights", async () => {
    const folder = folderWith({ "onnx/model.onnx": 12, "onnx/model_O2.onnx": 18 });
    for (const fileName of ["onnx/model_O2.onnx", "model_O2.onnx"]) {
      await using encoder = await SparseEncoder.load(folder, { fileName });
      expect(encoder.describe().weightsFiles[0]).toMatch(/model_O2\.onnx$/);
      expectVectors(await encoder.encode(golden.texts.slice(0, 3)), golden.encode.slice(0, 3));
    }
    cpSync(
      path.join(goldenModelFolder("bert-max-relu"), "model.safetensors"),
      path.join(folder, "model.safetensors"),
    );
    await using encoder = await SparseEncoder.load(folder, { fileName: "onnx/model.onnx" });
    expect(encoder.describe().weightsFiles).toHaveLength(1);
    expect(encoder.describe().weightsFiles[0]).toMatch(/onnx[/\\]model\.onnx$/);
  });

  it("pools by sum and with the double logarithm like a graph built from weights", async () => {
    for (const settings of [
      { pooling_strategy: "sum", activation_function: "relu" },
      { pooling_strategy: "max", activation_function: "log1p_relu" },
    ]) {
      const folder = folderWith({ "onnx/model.onnx": 18 });
      writeFileSync(path.join(folder, "1_SpladePooling/config.json"), JSON.stringify(settings));
      await using exported = await SparseEncoder.load(folder);
      cpSync(
        path.join(goldenModelFolder("bert-max-relu"), "model.safetensors"),
        path.join(folder, "model.safetensors"),
      );
      await using built = await SparseEncoder.load(folder);
      expect(built.describe().weightsFiles[0]).toMatch(/safetensors$/);
      const [a, b] = [await exported.encode(golden.texts), await built.encode(golden.texts)];
      expect(a.equals(b, { absolute: 5e-5, relative: 1e-5 })).toBe(true);
    }
  });

  it("names the files there are when the wanted one is missing or none has the usual name", async () => {
    const folder = folderWith({ "onnx/model_O1.onnx": 12, "onnx/model_O2.onnx": 18 });
    await expect(SparseEncoder.load(folder)).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringMatching(
        /onnx\/model_O1\.onnx, onnx\/model_O2\.onnx: choose one with the option fileName/,
      ),
    });
    await expect(SparseEncoder.load(folder, { fileName: "other.onnx" })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringContaining("no 'other.onnx'"),
    });
    await expect(SparseEncoder.load(folder, { fileName: "../../secret.onnx" })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
    });
  });

  it("that is cut off or no ONNX file is refused by name", async () => {
    const folder = folderWith({ "onnx/model.onnx": 18 });
    const file = path.join(folder, "onnx/model.onnx");
    for (const content of ["", "not a model", "\u0008"]) {
      writeFileSync(file, content);
      await expect(SparseEncoder.load(folder)).rejects.toMatchObject({
        code: "MODEL_INVALID",
        message: expect.stringContaining(file),
      });
    }
  });
});
